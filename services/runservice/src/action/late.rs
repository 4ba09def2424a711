//! What time alone brings about: deadlines that pass, and queued runs whose time has come.

use drydock_api::runservice::types::RunId;
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;

use super::gate;
use super::state::{follow, load_known, save};
use crate::engine::EngineSettings;
use crate::engine::deadline;
use crate::engine::group::{Start, next_start};
use crate::model;

/// The greatest number of runs that one pass looks at.
const AT_ONCE: u32 = 100;

/// The runs for which [`expire`] or [`start`] may have something to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueRuns {
    pub late: Vec<RunId>,
    pub startable: Vec<RunId>,
}

pub fn due(tx: &Tx<'_>, now: Timestamp) -> Result<DueRuns, DbError> {
    let late = model::run::maybe_late(tx, now, AT_ONCE)?;
    let mut startable = Vec::new();
    if gate::seems_open(tx, now)? {
        for run in model::run::startable(tx, AT_ONCE)? {
            let Some(found) = model::run::find(tx, run)? else { continue };
            let group = model::run::group(tx, &found.group)?;
            if next_start(&group, true, now) == Start::Run(run) {
                startable.push(run);
            }
        }
    }
    Ok(DueRuns { late, startable })
}

/// Ends whatever of a run has taken too long.
pub fn expire<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    run: RunId,
) -> Result<(), ActionError<F>> {
    // Executors may have been at work all the while, and could not say so.
    if !gate::is_reconciled(tx)? {
        return Ok(());
    }
    let before = load_known(tx, run)?;
    let mut after = before.clone();
    match deadline::expire(&mut after, tx.now(), settings) {
        true => save(tx, settings, &before, after),
        false => Ok(()),
    }
}

/// Starts the first queued run of this run's group, if it may start.
pub fn start<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    run: RunId,
) -> Result<(), ActionError<F>> {
    match model::run::find(tx, run)? {
        Some(run) => follow(tx, settings, &run.group),
        None => Ok(()),
    }
}
