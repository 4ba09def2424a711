//! Logs, which are passed on byte for byte as they come.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use drydock_api::gateway::endpoints::run as failures;
use drydock_api::runservice::types::{LOG_STATE, LogAttemptQuery, LogQuery, LogStep, TaskName};
use drydock_core::error::Chain;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Path, Query};
use drydock_http::server::reply;
use futures_util::TryStreamExt;
use http::header;

use super::run::TaskPath;
use crate::action::log as action;
use crate::auth::require::{Owns, Project, Reads};
use crate::auth::{Inquiry, Permit};
use crate::state::App;

/// What a request for a log says besides its project.
type Rest = (State<App>, Path<(String, u64, TaskName, LogStep)>, Query<LogQuery>);

pub async fn read(
    Inquiry(look, (State(app), Path((_, number, task, step)), Query(query))): Inquiry<
        Reads<Project>,
        Rest,
    >,
) -> Result<Response, OperationError<failures::ReadLog>> {
    let log = action::read(&look, (number, &task, step), &query).await?;
    // Too late for a status: the body ends without its last chunk, so that what came is not taken
    // for the whole log.
    let body = look.follow(app.context.gate.clone(), log.body).inspect_err(|error| {
        tracing::debug!(error = %Chain(error.as_ref()), "a log was passed on to no end");
    });
    let mut response = Body::from_stream(body).into_response();
    for name in [header::CONTENT_TYPE, LOG_STATE] {
        if let Some(value) = log.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

pub async fn delete(
    permit: Permit<Owns<Project>>,
    Path((_, number, task)): TaskPath,
    Query(query): Query<LogAttemptQuery>,
) -> Result<Response, OperationError<failures::DeleteLogs>> {
    action::delete(&permit, (number, &task), &query).await?;
    Ok(reply::no_content())
}
