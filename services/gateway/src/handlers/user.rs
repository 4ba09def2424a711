use axum::response::Response;
use drydock_api::configstore::types::{NewUser, User, UserChange, UserOrg};
use drydock_api::names::Ref;
use drydock_http::api::page::{ListQuery, Page, ReadQuery};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::pass::{Precondition, pass_on};
use crate::action::user as action;
use crate::auth::Permit;

pub async fn me(permit: Permit, Query(_): Query<ReadQuery>) -> Result<Response, HttpError> {
    Ok(pass_on(&action::me(&permit).await?))
}

pub async fn list(
    permit: Permit,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<User>>, HttpError> {
    query.page()?;
    Ok(axum::Json(action::list(&permit, &query).await?))
}

pub async fn create(permit: Permit, creation: Creation<NewUser>) -> Result<Response, HttpError> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&permit, &creation.new, key.as_deref()).await?))
}

pub async fn get(permit: Permit, Query(_): Query<ReadQuery>) -> Result<Response, HttpError> {
    Ok(pass_on(&action::get(&permit).await?))
}

pub async fn update(
    mut permit: Permit,
    if_match: Precondition,
    Json(change): Json<UserChange>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::update(&mut permit, &change, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit,
    Path(user): Path<Ref>,
    if_match: Precondition,
) -> Result<Response, HttpError> {
    action::delete(&permit, &user, if_match.text()).await?;
    Ok(reply::no_content())
}

pub async fn orgs(
    permit: Permit,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<UserOrg>>, HttpError> {
    query.page()?;
    Ok(axum::Json(action::orgs(&permit, &query).await?))
}
