//! Heartbeats: what an executor holds, and what it is told to do. Most of them change nothing.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::endpoints::own::Beat as Failures;
use drydock_api::runservice::refusals::{NotRegistered, SessionReplaced};
use drydock_api::runservice::types::{AttemptId, ClaimId, ExecutorId, HeldState, Label, Reason};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;

use super::executor::end;
use super::{gate, reconcile};
use crate::engine::EngineSettings;
use crate::engine::heartbeat::{Beat, Orders, orders};
use crate::model;
use crate::record::{Attempt, Executor, Stored};
use crate::schema::{ATTEMPTS, EXECUTORS};

/// What an executor says of itself.
#[derive(Debug, Clone)]
pub struct HeartbeatReport {
    pub executor: ExecutorId,
    pub session: u64,
    pub labels: BTreeSet<Label>,
    pub arch: Option<String>,
    pub limit: u32,
    pub held: BTreeMap<AttemptId, HeldState>,
    pub asked: BTreeSet<ClaimId>,
    pub forgotten: BTreeSet<AttemptId>,
}

/// What an executor is told, and whether the state has to change for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatOutcome {
    pub orders: Orders,
    /// The attempts whose results are wanted.
    pub recall: Vec<AttemptId>,
    pub drain: bool,
    pub changes: bool,
}

/// Answers a heartbeat from a state that may be old.
pub fn preview(
    tx: &Tx<'_>,
    report: &HeartbeatReport,
) -> Result<HeartbeatOutcome, ActionError<Failures>> {
    let executor = find(tx, report)?;
    let orders = orders_for(tx, report)?;
    let changes = updated(&executor, report) != executor
        || !orders.claim_lost.is_empty()
        || reconcile::concerns(tx, &executor, report)?;
    let recall = reconcile::recalled(tx, report)?;
    Ok(HeartbeatOutcome { orders, recall, drain: executor.drain, changes })
}

/// Stores what is new in a heartbeat, and ends the attempts that the executor has forgotten.
pub fn record(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    report: &HeartbeatReport,
) -> Result<HeartbeatOutcome, ActionError<Failures>> {
    let old = find(tx, report)?;
    let mut new = updated(&old, report);
    if new != old {
        new.touch(tx.now());
        tx.put(EXECUTORS, new.id.0, &new)?;
    }
    let orders = orders_for(tx, report)?;
    gate::begin(tx, settings.resume_per_minute)?;
    let era = gate::era(tx)?;
    for lost in &orders.claim_lost {
        let attempt: Option<Attempt> = tx.get(ATTEMPTS, lost.0)?;
        let attempt = attempt.expect("the transaction has just read it");
        // One of another era may have run before its executor had to forget it.
        if attempt.era == era {
            end(tx, settings, &attempt, Reason::ClaimLost)?;
        }
    }
    reconcile::by_heartbeat(tx, settings, report, orders.unknown.len())?;
    let recall = reconcile::recalled(tx, report)?;
    Ok(HeartbeatOutcome { orders, recall, drain: new.drain, changes: false })
}

fn find(tx: &Tx<'_>, report: &HeartbeatReport) -> Result<Executor, ActionError<Failures>> {
    let executor: Option<Executor> = tx.get(EXECUTORS, report.executor.0)?;
    let executor = executor.ok_or(NotRegistered)?;
    match report.session < executor.session {
        true => Err(SessionReplaced(executor.session).into()),
        false => Ok(executor),
    }
}

/// The executor as its heartbeat says that it is.
fn updated(executor: &Executor, report: &HeartbeatReport) -> Executor {
    Executor {
        session: report.session,
        labels: executor.fixed_labels.union(&report.labels).cloned().collect(),
        arch: report.arch.clone(),
        limit: report.limit,
        ..executor.clone()
    }
}

fn orders_for(tx: &Tx<'_>, report: &HeartbeatReport) -> Result<Orders, DbError> {
    let mut attempts = model::attempt::live_on(tx, report.executor)?;
    for held in report.held.keys() {
        if !attempts.iter().any(|attempt| attempt.id == *held) {
            attempts.extend(tx.get::<Attempt>(ATTEMPTS, held.0)?);
        }
    }
    let beat = Beat {
        executor: report.executor,
        session: report.session,
        held: &report.held,
        asked: &report.asked,
    };
    Ok(orders(beat, &attempts))
}
