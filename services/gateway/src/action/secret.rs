use drydock_api::configstore::errors::{secret_already_exists, secret_not_exist};
use drydock_api::configstore::types::{NewSecret, SecretChange, SecretView, TreeQuery};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::ApiError;
use drydock_http::api::page::{Consistency, Page};
use drydock_http::client::Answer;

use crate::auth::Permit;
use crate::errors;

pub async fn list(permit: &Permit, query: &TreeQuery) -> Result<Page<SecretView>, ApiError> {
    let (place, gone) = permit.place();
    let listed = permit.configstore.secrets(&permit.ctx, &place, query).await;
    listed.map_err(|error| errors::of(error, [gone]))
}

pub async fn create(
    permit: &Permit,
    new: &NewSecret,
    key: Option<&str>,
) -> Result<Answer<SecretView>, ApiError> {
    let name = validate::name(&new.name)?;
    validate::keys("data", new.data.keys())?;
    let (place, gone) = permit.place();
    let created = permit.configstore.create_secret(&permit.ctx, &place, new, key).await;
    created.map_err(|error| errors::of(error, [gone, secret_already_exists(&name)]))
}

pub async fn get(permit: &Permit, secret: &Ref) -> Result<Answer<SecretView>, ApiError> {
    let (place, gone) = permit.place();
    let consistency = Consistency::Linearizable;
    let found = permit.configstore.secret(&permit.ctx, &place, secret, consistency).await;
    found.map_err(|error| errors::of(error, [gone, secret_not_exist(secret)]))
}

pub async fn update(
    permit: &Permit,
    secret: &Ref,
    change: &SecretChange,
    if_match: Option<&str>,
) -> Result<Answer<SecretView>, ApiError> {
    let name = validate::optional_name(change.name.as_deref())?;
    if let Some(data) = &change.data {
        validate::keys("data", data.keys())?;
    }
    let (place, gone) = permit.place();
    let updated =
        permit.configstore.update_secret(&permit.ctx, &place, secret, change, if_match).await;
    updated.map_err(|error| {
        let taken = name.iter().map(secret_already_exists);
        errors::of(error, taken.chain([gone, secret_not_exist(secret)]))
    })
}

pub async fn delete(permit: &Permit, secret: &Ref, if_match: Option<&str>) -> Result<(), ApiError> {
    let (place, gone) = permit.place();
    let deleted = permit.configstore.delete_secret(&permit.ctx, &place, secret, if_match).await;
    deleted.map_err(|error| errors::of(error, [gone, secret_not_exist(secret)]))
}
