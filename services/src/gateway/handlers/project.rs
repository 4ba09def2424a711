use axum::response::Response;

use super::pass::{Precondition, pass_on};
use crate::api::configstore::types::{NewProject, ProjectChange};
use crate::gateway::action::project as action;
use crate::gateway::auth::Permit;
use crate::http::api::page::ReadQuery;
use crate::http::server::creation::Creation;
use crate::http::server::error::HttpError;
use crate::http::server::extract::{Json, Query};
use crate::http::server::reply;

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
