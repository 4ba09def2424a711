use axum::response::Response;
use drydock_api::configstore::types::{NewProject, ProjectChange};
use drydock_http::api::page::ReadQuery;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Json, Query};
use drydock_http::server::reply;

use super::pass::{Precondition, pass_on};
use crate::action::project as action;
use crate::auth::Permit;

pub async fn create(
    mut permit: Permit,
    creation: Creation<NewProject>,
) -> Result<Response, HttpError> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&mut permit, creation.new, key.as_deref()).await?))
}

pub async fn get(permit: Permit, Query(_): Query<ReadQuery>) -> Result<Response, HttpError> {
    Ok(pass_on(&permit.project().found))
}

pub async fn update(
    mut permit: Permit,
    if_match: Precondition,
    Json(change): Json<ProjectChange>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::update(&mut permit, change, if_match.text()).await?))
}

pub async fn delete(permit: Permit, if_match: Precondition) -> Result<Response, HttpError> {
    action::delete(&permit, if_match.text()).await?;
    Ok(reply::no_content())
}
