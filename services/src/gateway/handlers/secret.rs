use axum::response::Response;

use super::pass::{Precondition, pass_on};
use crate::api::configstore::types::{NewSecret, SecretChange, SecretView, TreeQuery};
use crate::api::names::Ref;
use crate::gateway::action::secret as action;
use crate::gateway::auth::Permit;
use crate::http::api::page::{Page, ReadQuery};
use crate::http::server::creation::Creation;
use crate::http::server::error::HttpError;
use crate::http::server::extract::{Json, Path, Query};
use crate::http::server::reply;

pub async fn list(
    permit: Permit,
    Query(query): Query<TreeQuery>,
) -> Result<axum::Json<Page<SecretView>>, HttpError> {
    query.clone().split().0.page()?;
    Ok(axum::Json(action::list(&permit, &query).await?))
}

pub async fn create(permit: Permit, creation: Creation<NewSecret>) -> Result<Response, HttpError> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&permit, &creation.new, key.as_deref()).await?))
}

pub async fn get(
    permit: Permit,
    Path((_, secret)): Path<(String, Ref)>,
    Query(_): Query<ReadQuery>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::get(&permit, &secret).await?))
}

pub async fn update(
    permit: Permit,
    Path((_, secret)): Path<(String, Ref)>,
    if_match: Precondition,
    Json(change): Json<SecretChange>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::update(&permit, &secret, &change, if_match.text()).await?))
}

pub async fn delete(
    permit: Permit,
    Path((_, secret)): Path<(String, Ref)>,
    if_match: Precondition,
) -> Result<Response, HttpError> {
    action::delete(&permit, &secret, if_match.text()).await?;
    Ok(reply::no_content())
}
