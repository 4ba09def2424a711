//! What time alone brings about: deadlines that pass, and queued runs whose time has come.

use drydock_api::runservice::types::RunId;
use drydock_core::db::Tx;
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;

use super::state::{find, follow, load, save};
use crate::engine::EngineSettings;
use crate::engine::deadline;
use crate::model;

/// The greatest number of runs that one pass looks at.
const AT_ONCE: u32 = 100;

/// The runs for which [`expire`] or [`start`] may have something to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    pub late: Vec<RunId>,
    pub startable: Vec<RunId>,
}

pub fn due(tx: &Tx<'_>, now: Timestamp) -> Result<Due, BoxError> {
    Ok(Due {
        late: model::run::maybe_late(tx, now, AT_ONCE)?,
        startable: model::run::startable(tx, AT_ONCE)?,
    })
}

/// Ends whatever of a run has taken too long.
pub fn expire(tx: &mut StoreTx<'_>, settings: &EngineSettings, run: RunId) -> Result<(), BoxError> {
    let before = load(tx, run)?;
    let mut after = before.clone();
    match deadline::expire(&mut after, tx.now(), settings) {
        true => save(tx, settings, &before, after),
        false => Ok(()),
    }
}

/// Starts the first queued run of this run's group, if it may start.
pub fn start(tx: &mut StoreTx<'_>, settings: &EngineSettings, run: RunId) -> Result<(), BoxError> {
    let group = find(tx, run)?.group;
    follow(tx, settings, &group)
}
