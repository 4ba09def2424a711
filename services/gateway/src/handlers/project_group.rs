use axum::response::Response;
use drydock_api::configstore::endpoints::project_group as failures;
use drydock_api::configstore::types::{
    NewProjectGroup, ProjectGroupChange, ProjectGroupView, ProjectView,
};
use drydock_http::api::page::{ListQuery, Page, ReadQuery};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Query};
use drydock_http::server::reply;

use super::pass::{Listing, Precondition, pass_on};
use crate::action::project_group as action;
use crate::auth::require::{Owns, OwnsParent, OwnsWithTarget, ProjectGroup, Reads};
use crate::auth::{Inquiry, Permit};

pub async fn create(
    permit: Permit<OwnsParent>,
    creation: Creation<NewProjectGroup>,
) -> Result<Response, OperationError<failures::Create>> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(permit, creation.new, key.as_deref()).await?))
}

pub async fn get(
    Inquiry(look, Query(_)): Inquiry<Reads<ProjectGroup>, Query<ReadQuery>>,
) -> Result<Response, OperationError<failures::Get>> {
    Ok(pass_on(&action::get(&look).await?))
}

pub async fn update(
    permit: Permit<OwnsWithTarget<ProjectGroup>>,
    if_match: Precondition,
    Json(change): Json<ProjectGroupChange>,
) -> Result<Response, OperationError<failures::Update>> {
    Ok(pass_on(&action::update(permit, change, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit<Owns<ProjectGroup>>,
    if_match: Precondition,
) -> Result<Response, OperationError<failures::Delete>> {
    action::delete(&permit, if_match.text()).await?;
    Ok(reply::no_content())
}

pub async fn subgroups(
    Inquiry(look, Listing(query)): Inquiry<Reads<ProjectGroup>, Listing<ListQuery>>,
) -> Result<axum::Json<Page<ProjectGroupView>>, OperationError<failures::Subgroups>> {
    Ok(axum::Json(action::subgroups(&look, query).await?))
}

pub async fn projects(
    Inquiry(look, Listing(query)): Inquiry<Reads<ProjectGroup>, Listing<ListQuery>>,
) -> Result<axum::Json<Page<ProjectView>>, OperationError<failures::Projects>> {
    Ok(axum::Json(action::projects(&look, query).await?))
}
