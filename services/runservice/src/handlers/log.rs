//! The routes of logs.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use drydock_api::runservice::endpoints::log as failures;
use drydock_api::runservice::endpoints::own::Append;
use drydock_api::runservice::refusals::{
    AttemptNotExist, LogDeleted, LogExpired, LogNotExist, LogSealed, LogTooLarge, TooManyLogs,
};
use drydock_api::runservice::types::{
    AppendQuery, Appended, AttemptId, LOG_STATE, LOG_TEXT, LogAttemptQuery, LogQuery, LogState,
    LogStep, MAX_LOG_BYTES, RunId, TaskName,
};
use drydock_core::context::Context;
use drydock_core::db::DbError;
use drydock_core::error::{ActionError, BoxError, Chain};
use drydock_core::objects::ObjectError;
use drydock_core::read_model::StoreError;
use drydock_core::store::{Reads, StoreTx};
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Octets, Path, Query};
use drydock_http::server::idle::Idle;
use drydock_http::server::reply;
use futures_util::{Stream, TryStreamExt, stream};
use http::{HeaderValue, header};
use tokio::sync::watch;

use super::access::{Reader, Registered, Writer};
use crate::action::log as action;
use crate::blobs::garbage::Deletable;
use crate::logs::AppendError;
use crate::logs::read::{LogReader, ReadError};
use crate::model::attempt::of_task;
use crate::record::Attempt;
use crate::schema::ATTEMPTS;
use crate::state::App;

/// Between two looks at whether there is more of a log that is followed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A log that is followed and brings nothing for this long ends.
const SILENCE: Duration = Duration::from_secs(300);
/// The timeout of one read of the state while a log is followed.
const TIMEOUT: Duration = Duration::from_secs(10);

pub async fn append(
    State(app): State<App>,
    Registered(executor): Registered,
    reader: Reader<Append>,
    Path((attempt, step)): Path<(AttemptId, LogStep)>,
    Query(query): Query<AppendQuery>,
    Octets(piece): Octets,
) -> Result<axum::Json<Appended>, OperationError<Append>> {
    // An attempt that this instance has not applied yet is looked for once more.
    let mut found: Option<Attempt> = None;
    for reads in [Reads::Local, Reads::Linearizable] {
        if found.is_none() {
            found = reader.read(reads, move |tx| Ok(tx.get(ATTEMPTS, attempt.0)?)).await?;
        }
    }
    let own = found.filter(|found| found.executor == executor);
    let own = own.ok_or(AttemptNotExist(attempt))?;
    if own.log_state != LogState::Live {
        return Err(LogSealed.into());
    }
    let appended = app.service.tails.append(attempt, step, query.offset, piece).await;
    Ok(axum::Json(appended.map_err(refusal)?))
}

fn refusal(error: AppendError) -> ActionError<Append> {
    match error {
        AppendError::TooLarge => LogTooLarge(MAX_LOG_BYTES).into(),
        AppendError::Busy => TooManyLogs.into(),
        AppendError::Objects(error) => StoreError::from(error).into(),
    }
}

pub async fn read(
    State(app): State<App>,
    reader: Reader<failures::Read>,
    idle: Idle,
    Path((run, task, step)): Path<(RunId, TaskName, LogStep)>,
    Query(query): Query<LogQuery>,
) -> Result<Response, OperationError<failures::Read>> {
    let find = move |tx: &drydock_core::db::Tx<'_>| action::find(tx, run, &task, query.attempt);
    let found = reader.read(Reads::Linearizable, find).await?;
    if usize::from(step.place()) > found.steps {
        return Err(LogNotExist(step).into());
    }
    let attempt = found.attempt;
    match attempt.log_state {
        LogState::Deleted => return Err(LogDeleted.into()),
        LogState::Expired => return Err(LogExpired.into()),
        LogState::Live | LogState::Complete | LogState::Incomplete => {}
    }
    let state = attempt.log_state;
    let mut log = Following::new(app, idle, attempt, step, query.follow);
    log.begin_at(query.offset.unwrap_or(0)).await.map_err(unreadable)?;
    // The status is sent already: the body ends without its last chunk, and the log has the error.
    let body = log.bytes().inspect_err(|error| {
        tracing::debug!(error = %Chain(error.as_ref()), "a log was read to no end");
    });
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(LOG_TEXT));
    headers.insert(LOG_STATE, HeaderValue::from_static(state.as_str()));
    Ok(response)
}

fn unreadable<F>(error: ReadError) -> ActionError<F> {
    match error {
        ReadError::Objects(error) => StoreError::from(error).into(),
        damaged => ActionError::internal(damaged),
    }
}

pub async fn delete(
    State(app): State<App>,
    writer: Writer<failures::DeleteLogs>,
    Path((run, task)): Path<(RunId, TaskName)>,
    Query(query): Query<LogAttemptQuery>,
) -> Result<Response, OperationError<failures::DeleteLogs>> {
    let (logs, name) = (&app.service.logs, task.clone());
    let find = move |tx: &drydock_core::db::Tx<'_>| of_task(tx, run, &name, query.attempt);
    let listed = match writer.peek(find).await? {
        Some(found) => Some((found.id, logs.listed(found.id).await)),
        None => None,
    };
    let work = move |tx: &mut StoreTx<'_>| action::delete(tx, run, &task, query.attempt);
    let attempt = writer.transact(work).await?;
    let deleted = match listed {
        Some((id, Ok(listed))) if id == attempt => {
            logs.delete(listed, &Default::default(), Deletable::All).await
        }
        Some((_, Err(error))) => Err(error),
        // Another attempt than this instance knew.
        _ => Ok(()),
    };
    if let Err(error) = deleted {
        // A later sweep deletes them.
        tracing::warn!(error = %Chain(&error), %attempt, "the objects of logs are still there");
    }
    Ok(reply::no_content())
}

/// One log as it is read, and followed if that is asked for.
struct Following {
    app: App,
    idle: Idle,
    attempt: Attempt,
    step: LogStep,
    follow: bool,
    /// The end of what this instance receives, if the log is live and followed.
    received: Option<watch::Receiver<u64>>,
    reader: LogReader,
    offset: u64,
}

impl Following {
    fn new(app: App, idle: Idle, attempt: Attempt, step: LogStep, follow: bool) -> Following {
        let (logs, tails) = (app.service.logs.clone(), app.service.tails.clone());
        let is_live = attempt.log_state == LogState::Live;
        let received = (follow && is_live).then(|| tails.follow(attempt.id, step));
        let reader = LogReader::new(logs, tails, attempt.id, step);
        let mut following =
            Following { app, idle, attempt, step, follow, received, reader, offset: 0 };
        following.use_sealed();
        following
    }

    fn use_sealed(&mut self) {
        if let Some(sealed) = self.attempt.sealed.get(&self.step.to_string()) {
            self.reader.use_sealed(sealed.clone());
        }
    }

    /// An offset below zero counts from the end.
    async fn begin_at(&mut self, offset: i64) -> Result<(), ReadError> {
        self.offset = match u64::try_from(offset) {
            Ok(offset) => offset,
            Err(_) => self.reader.size().await?.saturating_sub(offset.unsigned_abs()),
        };
        Ok(())
    }

    fn bytes(self) -> impl Stream<Item = Result<Bytes, BoxError>> {
        stream::try_unfold(self, |mut following| async move {
            let bytes = following.next().await?;
            Ok(bytes.map(|bytes| (bytes, following)))
        })
    }

    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        let env = self.app.context.env.clone();
        let begun = env.monotonic();
        let mut has_looked = false;
        loop {
            let bytes = match self.read().await {
                Err(ReadError::Objects(ObjectError::NotExist(_))) if !has_looked => {
                    // The log may be complete since the parts were listed: they are deleted then.
                    has_looked = true;
                    self.look(Reads::Linearizable).await?;
                    self.reader.list_again();
                    continue;
                }
                read => read?,
            };
            if let Some(bytes) = bytes {
                self.offset += bytes.len() as u64;
                return Ok(Some(bytes));
            }
            let silent = env.monotonic().saturating_sub(begun) >= SILENCE;
            if !self.follow || self.attempt.log_state != LogState::Live || silent {
                return Ok(None);
            }
            self.wait().await?;
            self.look(Reads::Local).await?;
        }
    }

    /// Nothing is left to read of the logs that have no object.
    async fn read(&mut self) -> Result<Option<Bytes>, ReadError> {
        let is_live = self.attempt.log_state == LogState::Live;
        let has_object = self.attempt.sealed.contains_key(&self.step.to_string());
        if is_live || has_object { self.reader.at(self.offset).await } else { Ok(None) }
    }

    /// Waits until this instance has received more, or for a while.
    async fn wait(&mut self) -> Result<(), BoxError> {
        let (offset, received) = (self.offset, self.received.as_mut());
        let more = async {
            let more = match received {
                Some(received) => received.wait_for(|end| *end > offset).await.is_ok(),
                None => false,
            };
            if !more {
                std::future::pending::<()>().await;
            }
        };
        let _more_or_not = self.idle.wait(tokio::time::timeout(LOOK_AGAIN, more)).await?;
        Ok(())
    }

    /// Learns whether the log is complete by now.
    async fn look(&mut self, reads: Reads) -> Result<(), BoxError> {
        let (id, ctx) = (self.attempt.id.0, Context::background().timeout(TIMEOUT));
        let read = move |tx: &drydock_core::db::Tx<'_>| -> Result<Option<Attempt>, BoxError> {
            tx.get(ATTEMPTS, id).map_err(|error: DbError| error.into())
        };
        if let Some(attempt) = self.app.service.store.read(&ctx, reads, read).await? {
            self.attempt = attempt;
            self.use_sealed();
        }
        Ok(())
    }
}
