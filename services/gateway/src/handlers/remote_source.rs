use axum::response::Response;
use drydock_api::configstore::endpoints::remote_source as failures;
use drydock_api::configstore::types::{NewRemoteSource, RemoteSource, RemoteSourceChange};
use drydock_api::names::Ref;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::pass::{Listing, One, Precondition, pass_on};
use crate::action::remote_source as action;
use crate::auth::require::{Admin, AnyUser};
use crate::auth::{Inquiry, Permit};

pub async fn list(
    Inquiry(look, Listing(query)): Inquiry<AnyUser, Listing<ListQuery>>,
) -> Result<axum::Json<Page<RemoteSource>>, OperationError<failures::List>> {
    Ok(axum::Json(action::list(&look, &query).await?))
}

pub async fn create(
    permit: Permit<Admin>,
    creation: Creation<NewRemoteSource>,
) -> Result<Response, OperationError<failures::Create>> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&permit, creation.new, key.as_deref()).await?))
}

pub async fn get(
    Inquiry(look, (Path(source), Query(_))): Inquiry<AnyUser, One<Ref>>,
) -> Result<Response, OperationError<failures::Get>> {
    Ok(pass_on(&action::get(&look, &source).await?))
}

pub async fn update(
    permit: Permit<Admin>,
    Path(source): Path<Ref>,
    if_match: Precondition,
    Json(change): Json<RemoteSourceChange>,
) -> Result<Response, OperationError<failures::Update>> {
    Ok(pass_on(&action::update(&permit, &source, change, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit<Admin>,
    Path(source): Path<Ref>,
    if_match: Precondition,
) -> Result<Response, OperationError<failures::Delete>> {
    action::delete(&permit, &source, if_match.text()).await?;
    Ok(reply::no_content())
}
