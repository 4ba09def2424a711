use axum::response::Response;

use super::pass::{Precondition, pass_on};
use crate::api::configstore::types::{MemberRole, MemberView};
use crate::api::names::Ref;
use crate::gateway::action::member as action;
use crate::gateway::auth::Permit;
use crate::http::api::page::{ListQuery, Page, ReadQuery};
use crate::http::server::error::HttpError;
use crate::http::server::extract::{Json, Path, Query};
use crate::http::server::reply;

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
