use axum::response::Response;
use drydock_api::configstore::endpoints::org as failures;
use drydock_api::configstore::types::{NewOrg, Org as OrgView, OrgChange};
use drydock_api::gateway::endpoints::CreateOrg;
use drydock_http::api::page::{ListQuery, Page, ReadQuery};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Query};
use drydock_http::server::reply;

use super::pass::{Listing, Precondition, pass_on};
use crate::action::org as action;
use crate::auth::require::{AnyUser, Org, Owns, Reads};
use crate::auth::{Inquiry, Permit};

pub async fn list(
    Inquiry(look, Listing(query)): Inquiry<AnyUser, Listing<ListQuery>>,
) -> Result<axum::Json<Page<OrgView>>, OperationError<failures::List>> {
    Ok(axum::Json(action::list(&look, query).await?))
}

pub async fn create(
    mut permit: Permit<AnyUser>,
    creation: Creation<NewOrg>,
) -> Result<Response, OperationError<CreateOrg>> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&mut permit, creation.new, key.as_deref()).await?))
}

pub async fn get(
    Inquiry(look, Query(_)): Inquiry<Reads<Org>, Query<ReadQuery>>,
) -> Result<Response, OperationError<failures::Get>> {
    Ok(pass_on(&action::get(&look).await?))
}

pub async fn update(
    permit: Permit<Owns<Org>>,
    if_match: Precondition,
    Json(change): Json<OrgChange>,
) -> Result<Response, OperationError<failures::Update>> {
    Ok(pass_on(&action::update(&permit, &change, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit<Owns<Org>>,
    if_match: Precondition,
) -> Result<Response, OperationError<failures::Delete>> {
    action::delete(&permit, if_match.text()).await?;
    Ok(reply::no_content())
}
