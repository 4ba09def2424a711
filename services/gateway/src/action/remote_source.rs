use drydock_api::configstore::endpoints::remote_source as failures;
use drydock_api::configstore::refusals::{
    RemoteSourceAlreadyExists, RemoteSourceInUse, RemoteSourceNotExist,
};
use drydock_api::configstore::types::{NewRemoteSource, RemoteSource, RemoteSourceChange};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::ActionError;
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::require::{Admin, AnyUser};
use crate::auth::{Look, Permit};
use crate::errors;

pub async fn list(
    look: &Look<AnyUser>,
    query: &ListQuery,
) -> Result<Page<RemoteSource>, ActionError<failures::List>> {
    let listed = look.configstore.remote_sources(&look.ctx, query).await;
    listed.map_err(|error| errors::refused(error, []))
}

pub async fn create(
    permit: &Permit<Admin>,
    new: NewRemoteSource,
    key: Option<&str>,
) -> Result<Answer<RemoteSource>, ActionError<failures::Create>> {
    let name = validate::name(&new.name)?;
    let new = NewRemoteSource { api_url: validate::url("api_url", new.api_url)?, ..new };
    let created = permit.configstore().create_remote_source(&permit.ctx, &new, key).await;
    created
        .map_err(|error| errors::refused(error, [RemoteSourceAlreadyExists(name.clone()).into()]))
}

pub async fn get(
    look: &Look<AnyUser>,
    source: &Ref,
) -> Result<Answer<RemoteSource>, ActionError<failures::Get>> {
    let consistency = Consistency::Linearizable;
    let found = look.configstore.remote_source(&look.ctx, source, consistency).await;
    found.map_err(|error| errors::refused(error, [RemoteSourceNotExist(source.clone()).into()]))
}

pub async fn update(
    permit: &Permit<Admin>,
    source: &Ref,
    mut change: RemoteSourceChange,
    if_match: Option<&str>,
) -> Result<Answer<RemoteSource>, ActionError<failures::Update>> {
    let name = validate::optional_name(change.name.as_deref())?;
    change.api_url = change.api_url.map(|url| validate::url("api_url", url)).transpose()?;
    let updated =
        permit.configstore().update_remote_source(&permit.ctx, source, &change, if_match).await;
    updated.map_err(|error| {
        let taken = name.iter().map(|it| RemoteSourceAlreadyExists(it.clone()).into());
        errors::refused(error, taken.chain([RemoteSourceNotExist(source.clone()).into()]))
    })
}

pub async fn delete(
    permit: &Permit<Admin>,
    source: &Ref,
    if_match: Option<&str>,
) -> Result<(), ActionError<failures::Delete>> {
    let deleted = permit.configstore().delete_remote_source(&permit.ctx, source, if_match).await;
    deleted.map_err(|error| {
        let used = RemoteSourceInUse(source.clone(), "projects or linked accounts");
        errors::refused(error, [RemoteSourceNotExist(source.clone()).into(), used.into()])
    })
}
