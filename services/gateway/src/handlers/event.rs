//! Events of a project's runs: a page as JSON, or all that follow as a stream.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use drydock_api::gateway::endpoints::run as failures;
use drydock_api::gateway::types::ProjectEventsQuery;
use drydock_api::runservice::types::{EVENT_STREAM, LAST_EVENT_ID};
use drydock_core::error::Chain;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::Query;
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderValue, header};

use crate::action::event as action;
use crate::auth::Inquiry;
use crate::auth::require::{Project, Reads};
use crate::state::App;

/// What a request for events says besides its project.
type Rest = (State<App>, HeaderMap, Query<ProjectEventsQuery>);

pub async fn list(
    Inquiry(look, (State(app), headers, Query(query))): Inquiry<Reads<Project>, Rest>,
) -> Result<Response, OperationError<failures::Events>> {
    let last = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("").to_owned());
    let from = last.or(query.from);
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if !accepted.is_some_and(|accepted| accepted.contains(EVENT_STREAM)) {
        return Ok(axum::Json(action::page(&look, from).await?).into_response());
    }
    let events = action::follow(&look, from).await?;
    // The stream ends as a stream does: its reader asks again from the last event, and learns why.
    let events = look
        .follow(app.context.gate.clone(), events)
        .inspect_err(|error| {
            tracing::debug!(error = %Chain(error.as_ref()), "a stream of events ended");
        })
        .take_while(|events| std::future::ready(events.is_ok()));
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
