//! Approving and refusing tasks.

use drydock_api::runservice::errors::{not_decided, task_not_exist};
use drydock_api::runservice::types::{RunId, TaskName};
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;

use super::state::{load, save};
use crate::engine::EngineSettings;
use crate::engine::approval::{self as engine, Decider, Decision};

/// Decides about a task that waits for it. The same decision by the same person changes nothing.
pub fn decide(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    run: RunId,
    task: &TaskName,
    decision: Decision,
    decider: &Decider,
) -> Result<(), BoxError> {
    let before = load(tx, run)?;
    if !before.tasks.contains_key(task) {
        return Err(task_not_exist(task).into());
    }
    let mut after = before.clone();
    let now = tx.now();
    engine::decide(&mut after, task, decision, decider.clone(), now, settings)
        .map_err(not_decided)?;
    save(tx, settings, &before, after)
}
