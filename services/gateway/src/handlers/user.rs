use axum::response::Response;
use drydock_api::configstore::endpoints::user as failures;
use drydock_api::configstore::types::{NewUser, User, UserChange, UserOrg};
use drydock_api::gateway::endpoints::{Me, UpdateUser};
use drydock_api::names::Ref;
use drydock_http::api::page::{ListQuery, Page, ReadQuery};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::pass::{Listing, Precondition, pass_on};
use crate::action::user as action;
use crate::auth::require::{Admin, AnyUser, SelfOf};
use crate::auth::{Inquiry, Permit};

pub async fn me(
    permit: Permit<AnyUser>,
    Query(_): Query<ReadQuery>,
) -> Result<Response, OperationError<Me>> {
    Ok(pass_on(action::me(&permit)?))
}

pub async fn list(
    Inquiry(look, Listing(query)): Inquiry<Admin, Listing<ListQuery>>,
) -> Result<axum::Json<Page<User>>, OperationError<failures::List>> {
    Ok(axum::Json(action::list(&look, &query).await?))
}

pub async fn create(
    permit: Permit<Admin>,
    creation: Creation<NewUser>,
) -> Result<Response, OperationError<failures::Create>> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&permit, &creation.new, key.as_deref()).await?))
}

pub async fn get(
    Inquiry(look, Query(_)): Inquiry<SelfOf, Query<ReadQuery>>,
) -> Result<Response, OperationError<failures::Get>> {
    Ok(pass_on(&action::get(&look).await?))
}

pub async fn update(
    mut permit: Permit<SelfOf>,
    if_match: Precondition,
    Json(change): Json<UserChange>,
) -> Result<Response, OperationError<UpdateUser>> {
    Ok(pass_on(&action::update(&mut permit, &change, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit<Admin>,
    Path(user): Path<Ref>,
    if_match: Precondition,
) -> Result<Response, OperationError<failures::Delete>> {
    action::delete(&permit, &user, if_match.text()).await?;
    Ok(reply::no_content())
}

pub async fn orgs(
    Inquiry(look, Listing(query)): Inquiry<SelfOf, Listing<ListQuery>>,
) -> Result<axum::Json<Page<UserOrg>>, OperationError<failures::Orgs>> {
    Ok(axum::Json(action::orgs(&look, &query).await?))
}
