use axum::response::Response;
use drydock_api::configstore::types::{NewRemoteSource, RemoteSource, RemoteSourceChange};
use drydock_api::names::Ref;
use drydock_http::api::page::{ListQuery, Page, ReadQuery};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::pass::{Precondition, pass_on};
use crate::action::remote_source as action;
use crate::auth::Permit;

pub async fn list(
    permit: Permit,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<RemoteSource>>, HttpError> {
    query.page()?;
    Ok(axum::Json(action::list(&permit, &query).await?))
}

pub async fn create(
    permit: Permit,
    creation: Creation<NewRemoteSource>,
) -> Result<Response, HttpError> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&permit, creation.new, key.as_deref()).await?))
}

pub async fn get(
    permit: Permit,
    Path(source): Path<Ref>,
    Query(_): Query<ReadQuery>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::get(&permit, &source).await?))
}

pub async fn update(
    permit: Permit,
    Path(source): Path<Ref>,
    if_match: Precondition,
    Json(change): Json<RemoteSourceChange>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::update(&permit, &source, change, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit,
    Path(source): Path<Ref>,
    if_match: Precondition,
) -> Result<Response, HttpError> {
    action::delete(&permit, &source, if_match.text()).await?;
    Ok(reply::no_content())
}
