use drydock_api::configstore::errors::{token_already_exists, token_not_exist, user_not_exist};
use drydock_api::configstore::types::{NewToken, NewTokenView, TokenView};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::ApiError;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::Permit;
use crate::auth::permit::At;
use crate::errors;

pub async fn list(permit: &Permit, query: &ListQuery) -> Result<Page<TokenView>, ApiError> {
    let At { given, found } = permit.user();
    let listed = permit.configstore.tokens(&permit.ctx, found, query).await;
    listed.map_err(|error| errors::of(error, [user_not_exist(given)]))
}

pub async fn create(
    permit: &Permit,
    new: &NewToken,
    key: Option<&str>,
) -> Result<Answer<NewTokenView>, ApiError> {
    let name = validate::name(&new.name)?;
    let At { given, found } = permit.user();
    let created = permit.configstore.create_token(&permit.ctx, found, new, key).await;
    created.map_err(|error| errors::of(error, [token_already_exists(&name), user_not_exist(given)]))
}

pub async fn delete(permit: &Permit, token: &Ref, if_match: Option<&str>) -> Result<(), ApiError> {
    let At { given, found } = permit.user();
    let deleted = permit.configstore.delete_token(&permit.ctx, found, token, if_match).await;
    deleted.map_err(|error| errors::of(error, [token_not_exist(), user_not_exist(given)]))
}
