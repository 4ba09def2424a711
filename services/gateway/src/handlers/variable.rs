use axum::response::Response;
use drydock_api::configstore::types::{NewVariable, TreeQuery, VariableChange, VariableView};
use drydock_api::names::Ref;
use drydock_http::api::page::{Page, ReadQuery};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::pass::{Precondition, pass_on};
use crate::action::variable as action;
use crate::auth::Permit;

pub async fn list(
    permit: Permit,
    Query(query): Query<TreeQuery>,
) -> Result<axum::Json<Page<VariableView>>, HttpError> {
    query.clone().split().0.page()?;
    Ok(axum::Json(action::list(&permit, &query).await?))
}

pub async fn create(
    permit: Permit,
    creation: Creation<NewVariable>,
) -> Result<Response, HttpError> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&permit, &creation.new, key.as_deref()).await?))
}

pub async fn get(
    permit: Permit,
    Path((_, variable)): Path<(String, Ref)>,
    Query(_): Query<ReadQuery>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::get(&permit, &variable).await?))
}

pub async fn update(
    permit: Permit,
    Path((_, variable)): Path<(String, Ref)>,
    if_match: Precondition,
    Json(change): Json<VariableChange>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::update(&permit, &variable, &change, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit,
    Path((_, variable)): Path<(String, Ref)>,
    if_match: Precondition,
) -> Result<Response, HttpError> {
    action::delete(&permit, &variable, if_match.text()).await?;
    Ok(reply::no_content())
}
