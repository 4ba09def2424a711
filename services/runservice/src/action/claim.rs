//! Claims: an executor asks for a task. The same claim id gets the same attempt, from any instance.

use std::collections::BTreeSet;

use drydock_api::runservice::endpoints::own::Claim;
use drydock_api::runservice::refusals::{
    ExecutorUnknown, NotRegistered, SessionReplaced, StaleAttempt,
};
use drydock_api::runservice::types::{AttemptId, ClaimId, ExecutorId, ProjectId};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;

use super::state::{load_known, save};
use super::{gate, reconcile};
use crate::Settings;
use crate::engine::attempt::{Claimant, claim as engine_claim};
use crate::engine::pick::{Asking, pick};
use crate::model;
use crate::record::{Attempt, Executor, Task};
use crate::schema::{ATTEMPTS, EXECUTORS, TASKS};

/// An executor's request for a task.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    pub executor: ExecutorId,
    pub session: u64,
    pub claim: ClaimId,
}

/// Gives the executor a task, if there is one for it.
pub fn claim(
    tx: &mut StoreTx<'_>,
    settings: &Settings,
    ask: Ask,
) -> Result<Option<Attempt>, ActionError<Claim>> {
    let executor: Option<Executor> = tx.get(EXECUTORS, ask.executor.0)?;
    let executor = executor.ok_or(NotRegistered)?;
    check_session(&executor, ask.session)?;
    if let Some(before) = model::attempt::by_claim(tx, ask.claim)? {
        return match before.phase.is_final() || before.executor != ask.executor {
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
    let Some(task) = choose(tx, settings, &executor)? else { return Ok(None) };
    let before = load_known(tx, task.run)?;
    let mut after = before.clone();
    let claimant = Claimant {
        attempt: AttemptId(tx.new_id()),
        executor: executor.id,
        session: executor.session,
        claim: ask.claim,
        place: model::attempt::next_place(tx)?,
        era: gate::era(tx)?,
    };
    let attempt =
        engine_claim(&mut after, &task.name, claimant, tx.now(), &settings.engine).clone();
    save(tx, &settings.engine, &before, after)?;
    Ok(Some(attempt))
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
    tx: &StoreTx<'_>,
    settings: &Settings,
    executor: &Executor,
) -> Result<Option<Task>, DbError> {
    let asking = asking(tx, executor)?;
    if asking.active >= asking.limit {
        return Ok(None);
    }
    let ready = model::task::ready(tx)?;
    let projects: BTreeSet<ProjectId> = ready.iter().map(|task| task.project).collect();
    let projects: Vec<_> = projects.into_iter().collect();
    let load = model::attempt::load(tx, &projects)?;
    let now = tx.now();
    match pick(&asking, &ready, &load, &settings.pick, now) {
        Some(task) => tx.get(TASKS, task.0),
        None => Ok(None),
    }
}

/// The executor as the engine sees it. Its limit is counted in the transaction of the claim.
pub fn asking(tx: &Tx<'_>, executor: &Executor) -> Result<Asking, DbError> {
    Ok(Asking {
        labels: executor.labels.clone(),
        arch: executor.arch.clone(),
        limit: executor.limit,
        active: model::attempt::count_live_on(tx, executor.id)?,
    })
}
