//! Secrets and variables: `S` is the kind of object and the kind of scope.

use axum::response::Response;
use drydock_api::configstore::scoped::{Scoped, ScopedKind};
use drydock_api::configstore::types::TreeQuery;
use drydock_api::names::{Ref, TreeRef};
use drydock_http::api::page::Page;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::pass::{Listing, One, Precondition, pass_on};
use crate::action::scoped as action;
use crate::auth::require::{Owns, Reads, Subject};
use crate::auth::{Inquiry, Permit};

pub async fn list<S>(
    Inquiry(look, Listing(query)): Inquiry<Reads<S::Scope>, Listing<TreeQuery>>,
) -> Result<axum::Json<Page<<S::Kind as ScopedKind>::View>>, OperationError<S::List>>
where
    S: Scoped<Scope: Subject<Ref = TreeRef>>,
{
    Ok(axum::Json(action::list::<S>(&look, &query).await?))
}

pub async fn create<S>(
    permit: Permit<Owns<S::Scope>>,
    creation: Creation<<S::Kind as ScopedKind>::New>,
) -> Result<Response, OperationError<S::Create>>
where
    S: Scoped<Scope: Subject<Ref = TreeRef>>,
{
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create::<S>(&permit, &creation.new, key.as_deref()).await?))
}

pub async fn get<S>(
    Inquiry(look, (Path((_, object)), Query(_))): Inquiry<Reads<S::Scope>, One<(String, Ref)>>,
) -> Result<Response, OperationError<S::Get>>
where
    S: Scoped<Scope: Subject<Ref = TreeRef>>,
{
    Ok(pass_on(&action::get::<S>(&look, &object).await?))
}

pub async fn update<S>(
    permit: Permit<Owns<S::Scope>>,
    Path((_, object)): Path<(String, Ref)>,
    if_match: Precondition,
    Json(change): Json<<S::Kind as ScopedKind>::Change>,
) -> Result<Response, OperationError<S::Update>>
where
    S: Scoped<Scope: Subject<Ref = TreeRef>>,
{
    Ok(pass_on(&action::update::<S>(&permit, &object, &change, if_match.text()).await?))
}

pub async fn delete<S>(
    permit: Permit<Owns<S::Scope>>,
    Path((_, object)): Path<(String, Ref)>,
    if_match: Precondition,
) -> Result<Response, OperationError<S::Delete>>
where
    S: Scoped<Scope: Subject<Ref = TreeRef>>,
{
    action::delete::<S>(&permit, &object, if_match.text()).await?;
    Ok(reply::no_content())
}
