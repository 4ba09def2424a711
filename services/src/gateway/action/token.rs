use drydock_core::error::ApiError;

use crate::api::configstore::errors::{token_already_exists, token_not_exist, user_not_exist};
use crate::api::configstore::types::{NewToken, NewTokenView, TokenView};
use crate::api::configstore::validate;
use crate::api::names::Ref;
use crate::gateway::auth::Permit;
use crate::gateway::auth::permit::At;
use crate::gateway::errors;
use crate::http::api::page::{ListQuery, Page};
use crate::http::client::Answer;

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
