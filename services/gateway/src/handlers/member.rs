use axum::response::Response;
use drydock_api::configstore::endpoints::member as failures;
use drydock_api::configstore::types::{MemberRole, MemberView};
use drydock_api::names::Ref;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::pass::{Listing, One, Precondition, pass_on};
use crate::action::member as action;
use crate::auth::require::{Org, Owns, Reads};
use crate::auth::{Inquiry, Permit};

pub async fn list(
    Inquiry(look, Listing(query)): Inquiry<Reads<Org>, Listing<ListQuery>>,
) -> Result<axum::Json<Page<MemberView>>, OperationError<failures::List>> {
    Ok(axum::Json(action::list(&look, &query).await?))
}

pub async fn get(
    Inquiry(look, (Path((_, user)), Query(_))): Inquiry<Reads<Org>, One<(String, Ref)>>,
) -> Result<Response, OperationError<failures::Get>> {
    Ok(pass_on(&action::get(&look, &user).await?))
}

pub async fn put(
    permit: Permit<Owns<Org>>,
    Path((_, user)): Path<(String, Ref)>,
    if_match: Precondition,
    Json(MemberRole { role }): Json<MemberRole>,
) -> Result<Response, OperationError<failures::Put>> {
    Ok(pass_on(&action::put(&permit, &user, role, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit<Owns<Org>>,
    Path((_, user)): Path<(String, Ref)>,
    if_match: Precondition,
) -> Result<Response, OperationError<failures::Delete>> {
    action::delete(&permit, &user, if_match.text()).await?;
    Ok(reply::no_content())
}
