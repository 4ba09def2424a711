use axum::response::Response;
use drydock_api::names::Ref;
use drydock_api::runservice::types::{ExecutorChange, ExecutorView, NewExecutor, ResumeGateView};
use drydock_http::api::page::{ListQuery, Page, ReadQuery};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::pass::{Listing, One, Precondition, pass_on};
use crate::action::executor as action;
use crate::auth::Permit;
use crate::auth::require::AdminToken;

pub async fn list(
    permit: Permit<AdminToken>,
    Listing(query): Listing<ListQuery>,
) -> Result<axum::Json<Page<ExecutorView>>, HttpError> {
    Ok(axum::Json(action::list(&permit, &query).await?))
}

pub async fn create(
    permit: Permit<AdminToken>,
    creation: Creation<NewExecutor>,
) -> Result<Response, HttpError> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&permit, &creation.new, key.as_deref()).await?))
}

pub async fn get(
    permit: Permit<AdminToken>,
    (Path(executor), _): One<Ref>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::get(&permit, &executor).await?))
}

pub async fn update(
    permit: Permit<AdminToken>,
    Path(executor): Path<Ref>,
    if_match: Precondition,
    Json(change): Json<ExecutorChange>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::update(&permit, &executor, &change, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit<AdminToken>,
    Path(executor): Path<Ref>,
    if_match: Precondition,
) -> Result<Response, HttpError> {
    action::delete(&permit, &executor, if_match.text()).await?;
    Ok(reply::no_content())
}

pub async fn gate(
    permit: Permit<AdminToken>,
    _: Query<ReadQuery>,
) -> Result<axum::Json<ResumeGateView>, HttpError> {
    Ok(axum::Json(action::gate(&permit).await?))
}

pub async fn open_gate(permit: Permit<AdminToken>) -> Result<Response, HttpError> {
    action::open_gate(&permit).await?;
    Ok(reply::no_content())
}
