//! Executors: registration, changes, and their end.

use std::collections::BTreeSet;

use drydock_api::names::{Name, Ref};
use drydock_api::runservice::refusals::{ExecutorAlreadyExists, ExecutorNotExist};
use drydock_api::runservice::types::{AttemptId, ExecutorId, Label, Reason};
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::{IfMatch, RevisionMismatch};

use super::gate;
use super::state::{load_known, save};
use crate::Settings;
use crate::engine::EngineSettings;
use crate::engine::attempt::lose;
use crate::model;
use crate::record::{Attempt, Executor, Stored};
use crate::schema::EXECUTORS;

/// Registers an executor, whose token has this hash.
pub fn create<F: From<ExecutorAlreadyExists>>(
    tx: &mut StoreTx<'_>,
    name: &Name,
    labels: &BTreeSet<Label>,
    token_hash: &str,
) -> Result<Executor, ActionError<F>> {
    if model::executor::by_name(tx, name)?.is_some() {
        return Err(ExecutorAlreadyExists(name.clone()).into());
    }
    let now = tx.now();
    let executor = Executor {
        id: ExecutorId(tx.new_id()),
        name: name.clone(),
        token_hash: token_hash.to_owned(),
        labels: labels.clone(),
        fixed_labels: labels.clone(),
        arch: None,
        limit: 0,
        session: 0,
        era: None,
        enabled: true,
        drain: false,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(EXECUTORS, executor.id.0, &executor)?;
    Ok(executor)
}

pub fn find<F: From<ExecutorNotExist>>(
    tx: &Tx<'_>,
    executor: &Ref,
) -> Result<Executor, ActionError<F>> {
    let found = model::executor::find(tx, executor)?;
    Ok(found.ok_or_else(|| ExecutorNotExist(executor.clone()))?)
}

/// The fields that change; `None` leaves a field as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change {
    pub enabled: Option<bool>,
    pub drain: Option<bool>,
}

pub fn update<F: From<ExecutorNotExist> + From<RevisionMismatch>>(
    tx: &mut StoreTx<'_>,
    executor: &Ref,
    change: Change,
    if_match: &IfMatch,
) -> Result<Executor, ActionError<F>> {
    let old = find(tx, executor)?;
    if_match.check(Some(&old.etag()))?;
    let mut new = old.clone();
    new.enabled = change.enabled.unwrap_or(old.enabled);
    new.drain = change.drain.unwrap_or(old.drain);
    if new != old {
        new.touch(tx.now());
        tx.put(EXECUTORS, new.id.0, &new)?;
    }
    Ok(new)
}

/// Ends the executor's registration. Its attempts are lost at once.
///
/// The executor may be alive and heard a moment ago. What must not run twice rests until it has
/// surely given up.
pub fn delete<F: From<ExecutorNotExist> + From<RevisionMismatch>>(
    tx: &mut StoreTx<'_>,
    settings: &Settings,
    executor: &Ref,
    if_match: &IfMatch,
) -> Result<(), ActionError<F>> {
    let executor = find(tx, executor)?;
    if_match.check(Some(&executor.etag()))?;
    let exclusive_rest = settings.executor_ttl + settings.engine.exclusive_rest;
    let engine = EngineSettings { exclusive_rest, ..settings.engine.clone() };
    lose_all(tx, &engine, executor.id, executor.session)?;
    tx.delete(EXECUTORS, executor.id.0)?;
    Ok(())
}

/// Ends all attempts of an executor that is gone, if it was not started again meanwhile.
pub fn lose_all<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    executor: ExecutorId,
    session: u64,
) -> Result<(), ActionError<F>> {
    let current: Option<Executor> = tx.get(EXECUTORS, executor.0)?;
    if current.is_none_or(|current| current.session != session) {
        return Ok(());
    }
    for attempt in model::attempt::live_on(tx, executor)? {
        end(tx, settings, &attempt, Reason::ExecutorLost)?;
    }
    Ok(())
}

/// Ends these attempts of an executor that was not heard for too long. Others may have begun since
/// it was looked for.
pub fn lose_these<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    executor: ExecutorId,
    attempts: &[AttemptId],
) -> Result<(), ActionError<F>> {
    // What it holds is compared first, after maintenance.
    if !gate::is_reconciled(tx)? {
        return Ok(());
    }
    for attempt in model::attempt::live_on(tx, executor)? {
        if attempts.contains(&attempt.id) {
            end(tx, settings, &attempt, Reason::ExecutorLost)?;
        }
    }
    Ok(())
}

/// Ends an attempt of which its executor does not speak any more.
pub fn end<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    attempt: &Attempt,
    reason: Reason,
) -> Result<(), ActionError<F>> {
    let before = load_known(tx, attempt.run)?;
    let mut after = before.clone();
    let now = tx.now();
    match before.attempts.contains_key(&attempt.id) {
        true => lose(&mut after, &attempt.name, reason, now, settings),
        false => return Ok(()),
    };
    save(tx, settings, &before, after)
}
