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
pub struct Said {
    pub executor: ExecutorId,
    pub session: u64,
    pub labels: BTreeSet<Label>,
    pub arch: Option<String>,
    pub limit: u32,
    pub held: BTreeMap<AttemptId, HeldState>,
    pub asked: BTreeSet<ClaimId>,
}

/// What an executor is told, and whether the state has to change for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub orders: Orders,
    pub drain: bool,
    pub changes: bool,
}

/// Answers a heartbeat from a state that may be old.
pub fn hear(tx: &Tx<'_>, said: &Said) -> Result<Heard, ActionError<Failures>> {
    let executor = find(tx, said)?;
    let orders = ordered(tx, said)?;
    let changes = said_by(&executor, said) != executor
        || !orders.claim_lost.is_empty()
        || reconcile::concerns(tx, &executor, said)?;
    Ok(Heard { orders, drain: executor.drain, changes })
}

/// Stores what is new in a heartbeat, and ends the attempts that the executor has forgotten.
pub fn note(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    said: &Said,
) -> Result<Heard, ActionError<Failures>> {
    let old = find(tx, said)?;
    let mut new = said_by(&old, said);
    if new != old {
        new.touch(tx.now());
        tx.put(EXECUTORS, new.id.0, &new)?;
    }
    let orders = ordered(tx, said)?;
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
    reconcile::by_heartbeat(tx, settings, said, orders.unknown.len())?;
    Ok(Heard { orders, drain: new.drain, changes: false })
}

fn find(tx: &Tx<'_>, said: &Said) -> Result<Executor, ActionError<Failures>> {
    let executor: Option<Executor> = tx.get(EXECUTORS, said.executor.0)?;
    let executor = executor.ok_or(NotRegistered)?;
    match said.session < executor.session {
        true => Err(SessionReplaced(executor.session).into()),
        false => Ok(executor),
    }
}

/// The executor as its heartbeat says that it is.
fn said_by(executor: &Executor, said: &Said) -> Executor {
    Executor {
        session: said.session,
        labels: executor.fixed_labels.union(&said.labels).cloned().collect(),
        arch: said.arch.clone(),
        limit: said.limit,
        ..executor.clone()
    }
}

fn ordered(tx: &Tx<'_>, said: &Said) -> Result<Orders, DbError> {
    let mut attempts = model::attempt::live_on(tx, said.executor)?;
    for held in said.held.keys() {
        if !attempts.iter().any(|attempt| attempt.id == *held) {
            attempts.extend(tx.get::<Attempt>(ATTEMPTS, held.0)?);
        }
    }
    let beat = Beat {
        executor: said.executor,
        session: said.session,
        held: &said.held,
        asked: &said.asked,
    };
    Ok(orders(beat, &attempts))
}
