use axum::response::{IntoResponse, Response};
use drydock_api::gateway::endpoints::run::Badge;
use drydock_api::gateway::types::{BadgeQuery, SVG};
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::Query;
use http::header;

use crate::action::badge as action;
use crate::auth::Inquiry;
use crate::auth::require::{Project, Reads};

/// The image is looked for each time, and sent only if it has changed.
pub async fn show(
    Inquiry(look, Query(query)): Inquiry<Reads<Project>, Query<BadgeQuery>>,
) -> Result<Response, OperationError<Badge>> {
    let state = action::state(&look, query.branch).await?;
    let headers = [
        (header::CONTENT_TYPE, SVG.to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, state.etag()),
    ];
    Ok((headers, state.svg()).into_response())
}
