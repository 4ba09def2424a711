//! The routes of executors, for themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use drydock_api::runservice::endpoints::own as failures;
use drydock_api::runservice::refusals::{InvalidField, StaleAttempt};
use drydock_api::runservice::types::{
    AttemptId, AttemptView, ClaimQuery, Claimed, Heartbeat, HeartbeatAnswer, Label, MAX_LIMIT,
    NewClaim, Status, StopAttempt,
};
use drydock_api::runservice::validate::{few_labels, invalid};
use drydock_core::read_model::StoreError;
use drydock_core::store::Reads;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::idle::Idle;
use drydock_runtime::encryption::Bound;
use drydock_runtime::encryptor::decrypt;
use http::StatusCode;

use super::access::{Reader, Registered, Writer};
use super::archive::check_stored;
use crate::action::claim::{self, ClaimPreview, ClaimRequest};
use crate::action::heartbeat::{self as beat, HeartbeatOutcome, HeartbeatReport};
use crate::action::{state, status, view};
use crate::schema::RUN_DEFINITIONS;
use crate::state::App;

/// The greatest number of attempts and of claims that a heartbeat names.
const MAX_HELD: usize = 4000;
const MAX_ASKED: usize = 1000;
/// The longest that a claim waits for a task.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// The part of a request's time that is left for the answer.
const ANSWER_TIME: Duration = Duration::from_millis(500);

pub async fn heartbeat(
    State(app): State<App>,
    Registered(executor): Registered,
    reader: Reader<failures::Beat>,
    writer: Writer<failures::Beat>,
    Json(body): Json<Heartbeat>,
) -> Result<axum::Json<HeartbeatAnswer>, OperationError<failures::Beat>> {
    check(&body)?;
    // It may be overtaken by claims of the same executor.
    let passed = app.context.env.point("heartbeat.received").await;
    passed.map_err(OperationError::at_boundary)?;
    let report = HeartbeatReport {
        executor,
        session: body.session,
        labels: body.labels,
        arch: body.arch,
        limit: body.limit,
        held: body.held.iter().map(|held| (held.attempt, held.state)).collect(),
        asked: body.asked,
        forgotten: body.forgotten,
    };
    let previewed = report.clone();
    // This state may be old. So it says nothing of attempts that it does not know.
    let outcome = reader.read(Reads::Local, move |tx| beat::preview(tx, &previewed)).await?;
    let outcome = match outcome.changes || !outcome.orders.unknown.is_empty() {
        false => outcome,
        true => {
            let engine = writer.settings().engine;
            writer.transact(move |tx| beat::record(tx, &engine, &report)).await?
        }
    };
    let liveness = &app.service.liveness;
    let noted = liveness.hear(executor, body.session).await;
    noted.map_err(|error| OperationError::at_boundary(StoreError::from(error).boxed()))?;
    Ok(axum::Json(answer(outcome, liveness.ttl())))
}

fn answer(outcome: HeartbeatOutcome, ttl: Duration) -> HeartbeatAnswer {
    let stop = outcome.orders.stop.into_iter().map(|(attempt, order)| StopAttempt {
        attempt,
        reason: order.reason,
        grace_ms: order.grace_ms,
    });
    HeartbeatAnswer {
        stop: stop.collect(),
        release: outcome.orders.release,
        unknown: outcome.orders.unknown,
        recall: outcome.recall,
        drain: outcome.drain,
        lost_after_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
    }
}

fn check(body: &Heartbeat) -> Result<(), InvalidField> {
    if body.session == 0 {
        return Err(invalid("session", "begins with 1"));
    }
    if !(1..=MAX_LIMIT).contains(&body.limit) {
        return Err(invalid("limit", "is out of bounds"));
    }
    if body.arch.as_ref().is_some_and(|arch| arch.parse::<Label>().is_err()) {
        return Err(invalid("arch", "is no name of an architecture"));
    }
    if body.held.len() > MAX_HELD || body.asked.len() > MAX_ASKED {
        return Err(invalid("held", "names too many attempts"));
    }
    if body.forgotten.len() > MAX_HELD {
        return Err(invalid("forgotten", "names too many attempts"));
    }
    few_labels(&body.labels)
}

/// Gives a task at once, or as soon as there is one within the time that the request may wait.
pub async fn claim(
    State(app): State<App>,
    Registered(executor): Registered,
    writer: Writer<failures::Claim>,
    idle: Idle,
    Query(query): Query<ClaimQuery>,
    Json(body): Json<NewClaim>,
) -> Result<Response, OperationError<failures::Claim>> {
    let ask = ClaimRequest { executor, session: body.session, claim: body.claim };
    let env = app.context.env.clone();
    let ends = env.monotonic() + patience(query, writer.remaining());
    loop {
        let (pick, now) = (writer.settings().pick, env.now());
        let seen = app.service.store.applied().borrow().head;
        let preview = writer.peek(move |tx| claim::preview(tx, &pick, ask, now)).await?;
        let capacity = match preview {
            ClaimPreview::Nothing(capacity) => Some(capacity),
            ClaimPreview::Decide(capacity) => match decide(&app, &writer, ask).await? {
                Some(claimed) => {
                    return Ok((StatusCode::CREATED, axum::Json(claimed)).into_response());
                }
                None => capacity,
            },
        };
        let left = ends.saturating_sub(env.monotonic());
        let Some(capacity) = capacity.filter(|_| !left.is_zero()) else {
            return Ok(StatusCode::NO_CONTENT.into_response());
        };
        let mut waiting = app.service.waiters.wait(ask, capacity);
        if app.service.store.applied().borrow().head != seen {
            app.service.waiters.look();
        }
        let waited = idle.wait(tokio::time::timeout(left, waiting.woken())).await;
        let _woken_or_late = waited.map_err(OperationError::at_boundary)?;
    }
}

/// How long a claim may wait: as long as it asks to, and no longer than its answer is waited for.
fn patience(query: ClaimQuery, remaining: Option<Duration>) -> Duration {
    let asked = query.wait.map_or(Duration::ZERO, |wait| wait.as_duration().min(MAX_WAIT));
    match remaining {
        Some(remaining) => asked.min(remaining.saturating_sub(ANSWER_TIME)),
        None => asked,
    }
}

/// Gives the executor a task, with the environment of its run.
async fn decide(
    app: &App,
    writer: &Writer<failures::Claim>,
    ask: ClaimRequest,
) -> Result<Option<Claimed>, OperationError<failures::Claim>> {
    let (settings, keys) = (writer.settings(), app.service.keys.clone());
    let claimed = writer.transact(move |tx| {
        let Some(attempt) = claim::claim(tx, &settings, ask)? else { return Ok(None) };
        let state = state::load_known(tx, attempt.run)?;
        let definition = state::definition(tx, &state.run)?;
        let environment = match definition.and_then(|definition| definition.environment) {
            Some(encrypted) => {
                let bound = Bound { kind: RUN_DEFINITIONS, id: state.run.id.0 };
                serde_json::from_slice(&decrypt::<failures::Claim>(&keys, bound, &encrypted)?)?
            }
            None => BTreeMap::new(),
        };
        let now = tx.now();
        Ok(Some(view::claimed(tx, &state, &attempt, environment, now)?))
    });
    let claimed = claimed.await?;
    let passed = app.context.env.point("claim.after_commit").await;
    passed.map_err(OperationError::at_boundary)?;
    Ok(claimed)
}

pub async fn attempt(
    Registered(executor): Registered,
    reader: Reader<failures::Attempt>,
    Path(attempt): Path<AttemptId>,
) -> Result<axum::Json<AttemptView>, OperationError<failures::Attempt>> {
    let find = move |tx: &drydock_core::db::Tx<'_>| {
        Ok(view::attempt(&status::find(tx, executor, attempt)?))
    };
    Ok(axum::Json(reader.read(Reads::Linearizable, find).await?))
}

pub async fn report(
    State(app): State<App>,
    Registered(executor): Registered,
    writer: Writer<failures::Report>,
    Path(attempt): Path<AttemptId>,
    Json(body): Json<Status>,
) -> Result<axum::Json<AttemptView>, OperationError<failures::Report>> {
    check_stored(&app, &writer, attempt, &body).await?;
    let engine = writer.settings().engine;
    let report = writer.transact(move |tx| {
        let stale = status::report(tx, &engine, executor, attempt, &body)?;
        Ok((stale, view::attempt(&status::find(tx, executor, attempt)?)))
    });
    let (stale, report) = report.await?;
    let passed = app.context.env.point("status.after_commit").await;
    passed.map_err(OperationError::at_boundary)?;
    match stale {
        Some(phase) => Err(StaleAttempt(phase).into()),
        None => Ok(axum::Json(report)),
    }
}
