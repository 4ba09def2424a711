//! What commits say of logs.

use std::collections::BTreeMap;

use drydock_api::runservice::refusals::{
    LogAttemptNotExist, LogIsLive, NeverStarted, RunNotExist, TaskNotExist,
};
use drydock_api::runservice::types::{AttemptId, LogState, RunId, TaskName};
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;
use uuid::Uuid;

use super::state;
use crate::model;
use crate::record::{Attempt, SealedLog, Stored};
use crate::schema::ATTEMPTS;

/// The logs of an attempt as they are to stay.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub state: LogState,
    pub logs: BTreeMap<String, SealedLog>,
}

/// What the state names after [`seal`].
#[derive(Debug)]
pub struct Named {
    pub sealed: Sealed,
    /// This transaction has named it; otherwise another one was first.
    pub is_new: bool,
}

/// Names the complete logs of an attempt, which were stored for this lineage, if no logs of it are
/// named yet. Those of an attempt whose executor says that there are none are what there is of
/// them. `None`: there is no such attempt, it has not ended, or the lineage is another one.
pub fn seal<F>(
    tx: &mut StoreTx<'_>,
    attempt: AttemptId,
    sealed: &Sealed,
    lineage: Uuid,
) -> Result<Option<Named>, ActionError<F>> {
    if tx.lineage()? != lineage {
        return Ok(None);
    }
    let found: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
    let Some(mut attempt) = found.filter(|it| it.phase.is_final()) else { return Ok(None) };
    let is_found = attempt.denies_logs() && !sealed.logs.is_empty();
    let is_new = attempt.log_state == LogState::Live || is_found;
    if is_new {
        attempt.log_state = sealed.state;
        attempt.sealed = sealed.logs.clone();
        attempt.touch(tx.now());
        tx.put(ATTEMPTS, attempt.id.0, &attempt)?;
    }
    let sealed = Sealed { state: attempt.log_state, logs: attempt.sealed };
    Ok(Some(Named { sealed, is_new }))
}

/// Marks the logs of an attempt as deleted; answers the attempt. The same again changes nothing.
pub fn delete<F>(
    tx: &mut StoreTx<'_>,
    run: RunId,
    task: &TaskName,
    number: Option<u32>,
) -> Result<AttemptId, ActionError<F>>
where
    F: From<LogAttemptNotExist>
        + From<LogIsLive>
        + From<NeverStarted>
        + From<RunNotExist>
        + From<TaskNotExist>,
{
    let mut attempt = find(tx, run, task, number)?.attempt;
    match attempt.log_state {
        LogState::Live => return Err(LogIsLive.into()),
        LogState::Deleted | LogState::Expired => return Ok(attempt.id),
        LogState::Complete | LogState::Incomplete => {}
    }
    attempt.log_state = LogState::Deleted;
    attempt.sealed.clear();
    attempt.touch(tx.now());
    tx.put(ATTEMPTS, attempt.id.0, &attempt)?;
    Ok(attempt.id)
}

/// Marks the logs of an attempt as expired if no run refers to it that ended after this moment;
/// answers whether it did.
pub fn expire<F>(
    tx: &mut StoreTx<'_>,
    attempt: AttemptId,
    before: Timestamp,
) -> Result<bool, ActionError<F>> {
    let old = model::attempt::with_old_logs(tx, before, Some(attempt), 1)?;
    let found: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
    let Some(mut attempt) = found.filter(|_| !old.is_empty()) else { return Ok(false) };
    attempt.log_state = LogState::Expired;
    attempt.sealed.clear();
    attempt.touch(tx.now());
    tx.put(ATTEMPTS, attempt.id.0, &attempt)?;
    Ok(true)
}

/// An attempt, and the number of steps that its task has.
pub struct Found {
    pub attempt: Attempt,
    pub steps: usize,
}

/// An attempt of a task: the one with this number, else the last.
pub fn find<F>(
    tx: &Tx<'_>,
    run: RunId,
    task: &TaskName,
    number: Option<u32>,
) -> Result<Found, ActionError<F>>
where
    F: From<LogAttemptNotExist> + From<NeverStarted> + From<RunNotExist> + From<TaskNotExist>,
{
    let known = state::load(tx, run)?;
    let spec = known.tasks.get(task).map(|_| known.spec(task));
    let steps = spec.ok_or_else(|| TaskNotExist(task.clone()))?.steps.len();
    let attempt = model::attempt::of_task(tx, run, task, number)?;
    match (attempt, number) {
        (Some(attempt), _) => Ok(Found { attempt, steps }),
        (None, Some(number)) => Err(LogAttemptNotExist(number).into()),
        (None, None) => Err(NeverStarted(task.clone()).into()),
    }
}
