use axum::response::Response;
use drydock_api::gateway::endpoints::run as failures;
use drydock_api::runservice::types::{CacheId, CacheView};
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::Path;
use drydock_http::server::reply;

use super::pass::Listing;
use crate::action::cache as action;
use crate::auth::require::Runs;
use crate::auth::{Inquiry, Permit};

pub async fn list(
    Inquiry(look, Listing(query)): Inquiry<Runs, Listing<ListQuery>>,
) -> Result<axum::Json<Page<CacheView>>, OperationError<failures::ListCaches>> {
    Ok(axum::Json(action::list(&look, &query).await?))
}

pub async fn delete(
    permit: Permit<Runs>,
    Path((_, entry)): Path<(String, CacheId)>,
) -> Result<Response, OperationError<failures::DeleteCache>> {
    action::delete(&permit, entry).await?;
    Ok(reply::no_content())
}
