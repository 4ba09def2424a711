use axum::response::Response;
use drydock_api::configstore::types::{NewOrg, Org, OrgChange};
use drydock_http::api::page::{ListQuery, Page, ReadQuery};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Json, Query};
use drydock_http::server::reply;

use super::pass::{Precondition, pass_on};
use crate::action::org as action;
use crate::auth::Permit;

pub async fn list(
    permit: Permit,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<Org>>, HttpError> {
    query.page()?;
    Ok(axum::Json(action::list(&permit, query).await?))
}

pub async fn create(mut permit: Permit, creation: Creation<NewOrg>) -> Result<Response, HttpError> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&mut permit, creation.new, key.as_deref()).await?))
}

pub async fn get(permit: Permit, Query(_): Query<ReadQuery>) -> Result<Response, HttpError> {
    Ok(pass_on(&permit.org().found))
}

pub async fn update(
    permit: Permit,
    if_match: Precondition,
    Json(change): Json<OrgChange>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::update(&permit, &change, if_match.text()).await?))
}

pub async fn delete(permit: Permit, if_match: Precondition) -> Result<Response, HttpError> {
    action::delete(&permit, if_match.text()).await?;
    Ok(reply::no_content())
}
