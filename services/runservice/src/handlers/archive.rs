//! The routes of archives.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use drydock_api::runservice::endpoints::archive::Read;
use drydock_api::runservice::endpoints::own::{DownloadArchive, UploadArchive};
use drydock_api::runservice::refusals::{ArchiveExpired, ArchiveNotStored};
use drydock_api::runservice::types::{
    ARCHIVE, ArchiveQuery, ArchiveReport, AttemptId, MAX_ARCHIVE_BYTES, RunId, Status, TaskName,
    UploadQuery,
};
use drydock_core::db::Tx;
use drydock_core::error::{ActionError, BoxError, Chain, Failure};
use drydock_core::read_model::StoreError;
use drydock_core::store::Reads;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Path, Query};
use drydock_http::server::idle::Idle;
use futures_util::TryStreamExt;
use http::{HeaderValue, header};

use super::access::{Reader, Registered, Writer};
use super::upload::{check, refusal};
use crate::action::archive as action;
use crate::action::status::may_end;
use crate::state::App;

pub async fn upload(
    State(app): State<App>,
    Registered(executor): Registered,
    reader: Reader<UploadArchive>,
    idle: Idle,
    Path((attempt, step)): Path<(AttemptId, u16)>,
    Query(expected): Query<UploadQuery>,
    request: Request,
) -> Result<axum::Json<ArchiveReport>, OperationError<UploadArchive>> {
    let may = move |tx: &Tx<'_>| action::may_upload(tx, executor, attempt, step);
    reader.read(Reads::Linearizable, may).await?;
    check::<UploadArchive>((expected.size, &expected.blake3), MAX_ARCHIVE_BYTES)?;
    let body = request.into_body().into_data_stream();
    // It may take long: the service does not wait for it to go into maintenance.
    let received = app.service.archives.receive((attempt, step), &expected, body);
    let received = idle.wait(received).await.map_err(OperationError::at_boundary)?;
    Ok(axum::Json(received.map_err(refusal::<UploadArchive>)?))
}

pub async fn read(
    State(app): State<App>,
    reader: Reader<Read>,
    Path((run, task, step)): Path<(RunId, TaskName, u16)>,
    Query(query): Query<ArchiveQuery>,
) -> Result<Response, OperationError<Read>> {
    let find = move |tx: &Tx<'_>| action::of_task(tx, (run, &task, step), query.attempt);
    let (attempt, archive) = reader.read(Reads::Linearizable, find).await?;
    send(&app, (attempt, step), &archive).await
}

pub async fn download(
    State(app): State<App>,
    Registered(executor): Registered,
    reader: Reader<DownloadArchive>,
    Path((attempt, step)): Path<(AttemptId, u16)>,
) -> Result<Response, OperationError<DownloadArchive>> {
    let find = move |tx: &Tx<'_>| action::for_executor(tx, executor, attempt, step);
    let archive = reader.read(Reads::Linearizable, find).await?;
    send(&app, (attempt, step), &archive).await
}

/// The answer with an archive, which is sent as it is read.
async fn send<F: Failure + From<ArchiveExpired>>(
    app: &App,
    (attempt, step): (AttemptId, u16),
    archive: &ArchiveReport,
) -> Result<Response, OperationError<F>> {
    let archives = &app.service.archives;
    let is_stored = archives.is_stored(attempt, archive).await;
    let is_stored = is_stored.map_err(|error| ActionError::<F>::from(StoreError::from(error)))?;
    if !is_stored {
        return Err(OperationError::from(F::from(ArchiveExpired(step))));
    }
    // The status is sent already: the body ends before its length, and the log has the error.
    let body = archives.read(attempt, archive).inspect_err(move |error| {
        tracing::warn!(%attempt, step, error = %Chain(error), "an archive was read to no end");
    });
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(ARCHIVE));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(archive.size));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", archive.blake3)) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Whether the archives that a status names are stored. One that cannot be true is refused for
/// that, and one that is repeated may name some that have expired.
pub async fn check_stored<F: Failure + From<ArchiveNotStored>>(
    app: &App,
    writer: &Writer<F>,
    attempt: AttemptId,
    status: &Status,
) -> Result<(), OperationError<F>> {
    if status.archives.is_empty() {
        return Ok(());
    }
    let (judged, now) = (status.clone(), app.context.env.now());
    if !writer.peek(move |tx| may_end(tx, attempt, &judged, now)).await? {
        return Ok(());
    }
    for (step, archive) in &status.archives {
        let is_stored = app.service.archives.is_stored(attempt, archive).await;
        let is_stored = is_stored.map_err(|error| -> BoxError { StoreError::from(error).boxed() });
        if !is_stored.map_err(OperationError::at_boundary)? {
            return Err(OperationError::from(F::from(ArchiveNotStored(step.clone()))));
        }
    }
    Ok(())
}
