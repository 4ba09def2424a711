use axum::response::Response;
use drydock_api::configstore::types::{MemberRole, MemberView};
use drydock_api::names::Ref;
use drydock_http::api::page::{ListQuery, Page, ReadQuery};
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::pass::{Precondition, pass_on};
use crate::action::member as action;
use crate::auth::Permit;

pub async fn list(
    permit: Permit,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<MemberView>>, HttpError> {
    query.page()?;
    Ok(axum::Json(action::list(&permit, &query).await?))
}

pub async fn get(
    permit: Permit,
    Path((_, user)): Path<(String, Ref)>,
    Query(_): Query<ReadQuery>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::get(&permit, &user).await?))
}

pub async fn put(
    permit: Permit,
    Path((_, user)): Path<(String, Ref)>,
    if_match: Precondition,
    Json(MemberRole { role }): Json<MemberRole>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::put(&permit, &user, role, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit,
    Path((_, user)): Path<(String, Ref)>,
    if_match: Precondition,
) -> Result<Response, HttpError> {
    action::delete(&permit, &user, if_match.text()).await?;
    Ok(reply::no_content())
}
