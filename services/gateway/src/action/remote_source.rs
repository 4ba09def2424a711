use drydock_api::configstore::errors::{remote_source_already_exists, remote_source_not_exist};
use drydock_api::configstore::types::{NewRemoteSource, RemoteSource, RemoteSourceChange};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::{ApiError, Code};
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::Permit;
use crate::errors;
use crate::errors::own;

pub async fn list(permit: &Permit, query: &ListQuery) -> Result<Page<RemoteSource>, ApiError> {
    let listed = permit.configstore.remote_sources(&permit.ctx, query).await;
    listed.map_err(|error| errors::of(error, []))
}

pub async fn create(
    permit: &Permit,
    new: NewRemoteSource,
    key: Option<&str>,
) -> Result<Answer<RemoteSource>, ApiError> {
    let name = validate::name(&new.name)?;
    let new = NewRemoteSource { api_url: validate::url("api_url", new.api_url)?, ..new };
    let created = permit.configstore.create_remote_source(&permit.ctx, &new, key).await;
    created.map_err(|error| errors::of(error, [remote_source_already_exists(&name)]))
}

pub async fn get(permit: &Permit, source: &Ref) -> Result<Answer<RemoteSource>, ApiError> {
    let consistency = Consistency::Linearizable;
    let found = permit.configstore.remote_source(&permit.ctx, source, consistency).await;
    found.map_err(|error| errors::of(error, [remote_source_not_exist(source)]))
}

pub async fn update(
    permit: &Permit,
    source: &Ref,
    mut change: RemoteSourceChange,
    if_match: Option<&str>,
) -> Result<Answer<RemoteSource>, ApiError> {
    let name = validate::optional_name(change.name.as_deref())?;
    change.api_url = change.api_url.map(|url| validate::url("api_url", url)).transpose()?;
    let updated =
        permit.configstore.update_remote_source(&permit.ctx, source, &change, if_match).await;
    updated.map_err(|error| {
        let taken = name.iter().map(remote_source_already_exists);
        errors::of(error, taken.chain([remote_source_not_exist(source)]))
    })
}

pub async fn delete(permit: &Permit, source: &Ref, if_match: Option<&str>) -> Result<(), ApiError> {
    let deleted = permit.configstore.delete_remote_source(&permit.ctx, source, if_match).await;
    deleted.map_err(|error| {
        let used = format!("remote source `{source}` is in use by projects or linked accounts");
        errors::of(error, [remote_source_not_exist(source), own(Code::RemoteSourceInUse, &used)])
    })
}
