//! Archives of tasks, which are passed on byte for byte as they come.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use drydock_api::gateway::endpoints::run as failures;
use drydock_api::runservice::types::{ArchiveQuery, TaskName};
use drydock_core::error::Chain;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Path, Query};
use futures_util::TryStreamExt;
use http::header;

use crate::action::log as action;
use crate::auth::Inquiry;
use crate::auth::require::{Project, Reads};
use crate::state::App;

/// What a request for an archive says besides its project.
type Rest = (State<App>, Path<(String, u64, TaskName, u16)>, Query<ArchiveQuery>);

pub async fn read(
    Inquiry(look, (State(app), Path((_, number, task, step)), Query(query))): Inquiry<
        Reads<Project>,
        Rest,
    >,
) -> Result<Response, OperationError<failures::ReadArchive>> {
    let archive = action::archive(&look, (number, &task, step), &query).await?;
    let body = look.follow(app.context.gate.clone(), archive.body).inspect_err(|error| {
        tracing::debug!(error = %Chain(error.as_ref()), "an archive was passed on to no end");
    });
    let mut response = Body::from_stream(body).into_response();
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::ETAG] {
        if let Some(value) = archive.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}
