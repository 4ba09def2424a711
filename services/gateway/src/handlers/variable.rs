use axum::response::Response;
use drydock_api::configstore::types::{NewVariable, TreeQuery, VariableChange, VariableView};
use drydock_api::names::Ref;
use drydock_http::api::page::Page;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::pass::{Listing, One, Precondition, pass_on};
use crate::action::variable as action;
use crate::auth::require::{Owns, Placed, Reads};
use crate::auth::{Inquiry, Permit};

pub async fn list<P: Placed>(
    Inquiry(look, Listing(query)): Inquiry<Reads<P>, Listing<TreeQuery>>,
) -> Result<axum::Json<Page<VariableView>>, HttpError> {
    Ok(axum::Json(action::list(&look, &query).await?))
}

pub async fn create<P: Placed>(
    permit: Permit<Owns<P>>,
    creation: Creation<NewVariable>,
) -> Result<Response, HttpError> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&permit, &creation.new, key.as_deref()).await?))
}

pub async fn get<P: Placed>(
    Inquiry(look, (Path((_, variable)), Query(_))): Inquiry<Reads<P>, One<(String, Ref)>>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::get(&look, &variable).await?))
}

pub async fn update<P: Placed>(
    permit: Permit<Owns<P>>,
    Path((_, variable)): Path<(String, Ref)>,
    if_match: Precondition,
    Json(change): Json<VariableChange>,
) -> Result<Response, HttpError> {
    Ok(pass_on(&action::update(&permit, &variable, &change, if_match.text()).await?))
}

pub async fn delete<P: Placed>(
    permit: Permit<Owns<P>>,
    Path((_, variable)): Path<(String, Ref)>,
    if_match: Precondition,
) -> Result<Response, HttpError> {
    action::delete(&permit, &variable, if_match.text()).await?;
    Ok(reply::no_content())
}
