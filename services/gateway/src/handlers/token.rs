use axum::response::Response;
use drydock_api::configstore::types::{NewToken, TokenView};
use drydock_api::names::Ref;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Path, Query};
use drydock_http::server::reply;

use super::pass::{Precondition, pass_on};
use crate::action::token as action;
use crate::auth::Permit;

pub async fn list(
    permit: Permit,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<TokenView>>, HttpError> {
    query.page()?;
    Ok(axum::Json(action::list(&permit, &query).await?))
}

pub async fn create(permit: Permit, creation: Creation<NewToken>) -> Result<Response, HttpError> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&permit, &creation.new, key.as_deref()).await?))
}

pub async fn delete(
    permit: Permit,
    Path((_, token)): Path<(String, Ref)>,
    if_match: Precondition,
) -> Result<Response, HttpError> {
    action::delete(&permit, &token, if_match.text()).await?;
    Ok(reply::no_content())
}
