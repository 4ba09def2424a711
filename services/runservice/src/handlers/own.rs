//! The routes of executors, for themselves.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use drydock_api::runservice::endpoints::own as failures;
use drydock_api::runservice::refusals::InvalidField;
use drydock_api::runservice::types::{
    AttemptId, AttemptView, ClaimQuery, Heartbeat, HeartbeatAnswer, Label, MAX_LIMIT, NewClaim,
    Status, StopAttempt,
};
use drydock_api::runservice::validate::{few_labels, invalid};
use drydock_core::store::Reads;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_runtime::encryption::Bound;
use drydock_runtime::encryptor::decrypt;
use http::StatusCode;

use super::access::{Reader, Registered, Writer};
use crate::action::claim::{self, Ask};
use crate::action::heartbeat::{self as beat, Heard, Said};
use crate::action::{state, status, view};
use crate::schema::RUN_DEFINITIONS;
use crate::state::App;

/// The greatest number of attempts and of claims that a heartbeat names.
const MAX_HELD: usize = 4000;
const MAX_ASKED: usize = 1000;

pub async fn heartbeat(
    Registered(executor): Registered,
    reader: Reader<failures::Beat>,
    writer: Writer<failures::Beat>,
    Json(body): Json<Heartbeat>,
) -> Result<axum::Json<HeartbeatAnswer>, OperationError<failures::Beat>> {
    check(&body)?;
    let said = Said {
        executor,
        session: body.session,
        labels: body.labels,
        arch: body.arch,
        limit: body.limit,
        held: body.held.iter().map(|held| (held.attempt, held.state)).collect(),
        asked: body.asked,
    };
    let heard = said.clone();
    // This state may be old. So it says nothing of attempts that it does not know.
    let heard = reader.read(Reads::Local, move |tx| beat::hear(tx, &heard)).await?;
    let heard = match heard.changes || !heard.orders.unknown.is_empty() {
        false => heard,
        true => {
            let engine = writer.settings().engine;
            writer.transact(move |tx| beat::note(tx, &engine, &said)).await?
        }
    };
    Ok(axum::Json(answer(heard)))
}

fn answer(heard: Heard) -> HeartbeatAnswer {
    let stop = heard.orders.stop.into_iter().map(|(attempt, order)| StopAttempt {
        attempt,
        reason: order.reason,
        grace_ms: order.grace_ms,
    });
    HeartbeatAnswer {
        stop: stop.collect(),
        release: heard.orders.release,
        unknown: heard.orders.unknown,
        drain: heard.drain,
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
    few_labels(&body.labels)
}

pub async fn claim(
    State(app): State<App>,
    Registered(executor): Registered,
    writer: Writer<failures::Claim>,
    Query(_): Query<ClaimQuery>,
    Json(body): Json<NewClaim>,
) -> Result<Response, OperationError<failures::Claim>> {
    let NewClaim { claim, session } = body;
    let ask = Ask { executor, session, claim };
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
    Ok(match claimed {
        Some(claimed) => (StatusCode::CREATED, axum::Json(claimed)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
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
    let engine = writer.settings().engine;
    let report = writer.transact(move |tx| {
        status::report(tx, &engine, executor, attempt, &body)?;
        Ok(view::attempt(&status::find(tx, executor, attempt)?))
    });
    let report = report.await?;
    let passed = app.context.env.point("status.after_commit").await;
    passed.map_err(OperationError::at_boundary)?;
    Ok(axum::Json(report))
}
