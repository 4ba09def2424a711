//! Claims: an executor asks for a task. The same claim id gets the same attempt, from any instance.

use std::collections::BTreeSet;

use drydock_api::runservice::endpoints::own::Claim;
use drydock_api::runservice::refusals::{
    ExecutorUnknown, NotRegistered, SessionReplaced, StaleAttempt,
};
use drydock_api::runservice::types::{AttemptId, ClaimId, ExecutorId, ProjectId, TaskId};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;

use super::state::{load_known, save};
use super::{gate, reconcile};
use crate::Settings;
use crate::engine::attempt::{Claimant, claim as engine_claim};
use crate::engine::pick::{ExecutorCapacity, Load, PickSettings, ReadyTask, pick};
use crate::model;
use crate::record::{Attempt, Executor, Task};
use crate::schema::{ATTEMPTS, EXECUTORS, LINEAGES_SINCE, TASKS};

/// An executor's request for a task.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest {
    pub executor: ExecutorId,
    pub session: u64,
    pub claim: ClaimId,
}

/// Gives the executor a task, if there is one for it.
pub fn claim(
    tx: &mut StoreTx<'_>,
    settings: &Settings,
    request: ClaimRequest,
) -> Result<Option<Attempt>, ActionError<Claim>> {
    let executor: Option<Executor> = tx.get(EXECUTORS, request.executor.0)?;
    let executor = executor.ok_or(NotRegistered)?;
    check_session(&executor, request.session)?;
    gate::begin(tx, settings.engine.resume_per_minute)?;
    if let Some(before) = model::attempt::by_claim(tx, request.claim)? {
        return match before.phase.is_final() || before.executor != request.executor {
            true => Err(StaleAttempt(before.phase).into()),
            false => {
                reconcile::by_claim(tx, &settings.engine, &before)?;
                Ok(tx.get(ATTEMPTS, before.id.0)?)
            }
        };
    }
    if !executor.enabled || executor.drain || !gate::is_reconciled(tx)? {
        return Ok(None);
    }
    let capacity = capacity(tx, &executor)?;
    let chosen = choose(tx, &settings.pick, &capacity, tx.now())?;
    let task: Option<Task> = match chosen {
        Some(task) => tx.get(TASKS, task.0)?,
        None => None,
    };
    let Some(task) = task else { return Ok(None) };
    let before = load_known(tx, task.run)?;
    let mut after = before.clone();
    let claimant = Claimant {
        attempt: AttemptId(tx.new_id()),
        executor: executor.id,
        session: executor.session,
        claim: request.claim,
        place: model::attempt::next_place(tx)?,
        era: gate::era(tx)?,
        lineage: match tx.writes_version() >= LINEAGES_SINCE {
            true => Some(tx.lineage()?),
            false => None,
        },
    };
    let attempt =
        engine_claim(&mut after, &task.name, claimant, tx.now(), &settings.engine).clone();
    save(tx, &settings.engine, &before, after)?;
    Ok(Some(attempt))
}

/// What a state that may be old says of a request for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimPreview {
    /// There is something to decide, in a transaction.
    Decide(Option<ExecutorCapacity>),
    /// There is no task for this executor.
    Nothing(ExecutorCapacity),
}

/// Looks whether there is anything to decide.
pub fn preview(
    tx: &Tx<'_>,
    settings: &PickSettings,
    request: ClaimRequest,
    now: Timestamp,
) -> Result<ClaimPreview, DbError> {
    let Some(capacity) = capacity_of(tx, request)? else {
        return Ok(ClaimPreview::Decide(None));
    };
    if is_answered(tx, request)? {
        return Ok(ClaimPreview::Decide(Some(capacity)));
    }
    Ok(match choose(tx, settings, &capacity, now)? {
        Some(_) => ClaimPreview::Decide(Some(capacity)),
        None => ClaimPreview::Nothing(capacity),
    })
}

/// Whether the claim has an attempt already.
pub fn is_answered(tx: &Tx<'_>, request: ClaimRequest) -> Result<bool, DbError> {
    Ok(model::attempt::by_claim(tx, request.claim)?.is_some())
}

/// What the executor of a claim has room for now; `None`: it is not registered in that session.
pub fn capacity_of(
    tx: &Tx<'_>,
    request: ClaimRequest,
) -> Result<Option<ExecutorCapacity>, DbError> {
    let executor: Option<Executor> = tx.get(EXECUTORS, request.executor.0)?;
    let executor = executor.filter(|executor| executor.session == request.session);
    executor.map(|executor| capacity(tx, &executor)).transpose()
}

/// The tasks that lack an executor, and what runs; `None` if no executor gets a task now.
pub fn claimable(tx: &Tx<'_>) -> Result<Option<(Vec<ReadyTask>, Load)>, DbError> {
    let ready = model::task::ready(tx)?;
    if ready.is_empty()
        || gate::find(tx)?.is_some_and(|gate| gate.era.is_some() && !gate.reconciled)
    {
        return Ok(None);
    }
    let projects: BTreeSet<ProjectId> = ready.iter().map(|task| task.project).collect();
    let projects: Vec<_> = projects.into_iter().collect();
    let load = model::attempt::load(tx, &projects)?;
    Ok(Some((ready, load)))
}

fn check_session(executor: &Executor, session: u64) -> Result<(), Claim> {
    if session < executor.session {
        return Err(SessionReplaced(executor.session).into());
    }
    if session > executor.session {
        return Err(ExecutorUnknown.into());
    }
    Ok(())
}

/// The task that the executor gets now.
fn choose(
    tx: &Tx<'_>,
    settings: &PickSettings,
    capacity: &ExecutorCapacity,
    now: Timestamp,
) -> Result<Option<TaskId>, DbError> {
    if !capacity.has_room() {
        return Ok(None);
    }
    let claimable = claimable(tx)?;
    Ok(claimable.and_then(|(ready, load)| pick(capacity, &ready, &load, settings, now)))
}

/// The executor as the engine sees it: one that is to take no task has room for none. Its limit is
/// counted in the transaction of the claim.
pub fn capacity(tx: &Tx<'_>, executor: &Executor) -> Result<ExecutorCapacity, DbError> {
    let takes_tasks = executor.enabled && !executor.drain;
    Ok(ExecutorCapacity {
        labels: executor.labels.clone(),
        arch: executor.arch.clone(),
        limit: if takes_tasks { executor.limit } else { 0 },
        active: model::attempt::count_live_on(tx, executor.id)?,
    })
}
