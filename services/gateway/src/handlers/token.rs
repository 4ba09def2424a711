use axum::response::Response;
use drydock_api::configstore::endpoints::token as failures;
use drydock_api::configstore::types::{NewToken, TokenView};
use drydock_api::names::Ref;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::Path;
use drydock_http::server::reply;

use super::pass::{Listing, Precondition, pass_on};
use crate::action::token as action;
use crate::auth::require::SelfOf;
use crate::auth::{Inquiry, Permit};

pub async fn list(
    Inquiry(look, Listing(query)): Inquiry<SelfOf, Listing<ListQuery>>,
) -> Result<axum::Json<Page<TokenView>>, OperationError<failures::List>> {
    Ok(axum::Json(action::list(&look, &query).await?))
}

pub async fn create(
    permit: Permit<SelfOf>,
    creation: Creation<NewToken>,
) -> Result<Response, OperationError<failures::Create>> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&action::create(&permit, &creation.new, key.as_deref()).await?))
}

pub async fn delete(
    permit: Permit<SelfOf>,
    Path((_, token)): Path<(String, Ref)>,
    if_match: Precondition,
) -> Result<Response, OperationError<failures::Delete>> {
    action::delete(&permit, &token, if_match.text()).await?;
    Ok(reply::no_content())
}
