use axum::response::Response;

use super::pass::{Precondition, pass_on};
use crate::api::configstore::types::{NewUser, User, UserChange, UserOrg};
use crate::api::names::Ref;
use crate::gateway::action::user as action;
use crate::gateway::auth::Permit;
use crate::http::api::page::{ListQuery, Page, ReadQuery};
use crate::http::server::creation::Creation;
use crate::http::server::error::HttpError;
use crate::http::server::extract::{Json, Path, Query};
use crate::http::server::reply;

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
