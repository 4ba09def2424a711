//! Stopping and cancelling runs.

use drydock_api::runservice::refusals::{RunNotExist, WrongPhase};
use drydock_api::runservice::types::{Reason, RunId};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;

use super::state::{load, save};
use crate::engine::EngineSettings;
use crate::engine::stop as engine;

pub fn stop<F: From<RunNotExist> + From<WrongPhase>>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    run: RunId,
) -> Result<(), ActionError<F>> {
    let before = load(tx, run)?;
    let mut after = before.clone();
    let now = tx.now();
    engine::stop(&mut after, Reason::StoppedByUser, now, settings)
        .map_err(|error| WrongPhase(error.0))?;
    save(tx, settings, &before, after)
}

pub fn cancel<F: From<RunNotExist> + From<WrongPhase>>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    run: RunId,
) -> Result<(), ActionError<F>> {
    let before = load(tx, run)?;
    let mut after = before.clone();
    engine::cancel(&mut after, Reason::StoppedByUser, tx.now())
        .map_err(|error| WrongPhase(error.0))?;
    save(tx, settings, &before, after)
}
