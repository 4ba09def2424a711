//! Approving and refusing tasks.

use drydock_api::runservice::refusals::{NotDecided, RunNotExist, TaskNotExist};
use drydock_api::runservice::types::{RunId, TaskName};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;

use super::state::{load, save};
use crate::engine::EngineSettings;
use crate::engine::approval::{self as engine, Decider, Decision};

/// Decides about a task that waits for it. The same decision by the same person changes nothing.
pub fn decide<F: From<NotDecided> + From<RunNotExist> + From<TaskNotExist>>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    run: RunId,
    task: &TaskName,
    decision: Decision,
    decider: &Decider,
) -> Result<(), ActionError<F>> {
    let before = load(tx, run)?;
    if !before.tasks.contains_key(task) {
        return Err(TaskNotExist(task.clone()).into());
    }
    let mut after = before.clone();
    let now = tx.now();
    engine::decide(&mut after, task, decision, decider.clone(), now, settings)
        .map_err(|problem| NotDecided(problem.to_string()))?;
    save(tx, settings, &before, after)
}
