use axum::response::Response;
use drydock_api::configstore::endpoints::project as failures;
use drydock_api::configstore::types::{NewProject, ProjectChange};
use drydock_http::api::page::ReadQuery;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Query};
use drydock_http::server::reply;

use super::pass::{Precondition, pass_on};
use crate::action::project as action;
use crate::auth::require::{Owns, OwnsParent, OwnsWithTarget, Project, Reads};
use crate::auth::{Inquiry, Permit};

pub async fn create(
    permit: Permit<OwnsParent>,
    creation: Creation<NewProject>,
) -> Result<Response, OperationError<failures::Create>> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(permit, creation.new, key.as_deref()).await?))
}

pub async fn get(
    Inquiry(look, Query(_)): Inquiry<Reads<Project>, Query<ReadQuery>>,
) -> Result<Response, OperationError<failures::Get>> {
    Ok(pass_on(&action::get(&look).await?))
}

pub async fn update(
    permit: Permit<OwnsWithTarget<Project>>,
    if_match: Precondition,
    Json(change): Json<ProjectChange>,
) -> Result<Response, OperationError<failures::Update>> {
    Ok(pass_on(&action::update(permit, change, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit<Owns<Project>>,
    if_match: Precondition,
) -> Result<Response, OperationError<failures::Delete>> {
    action::delete(&permit, if_match.text()).await?;
    Ok(reply::no_content())
}
