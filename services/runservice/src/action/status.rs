//! The end of an attempt, as its executor reports it.

use drydock_api::runservice::errors::{attempt_not_exist, bad_status, stale_attempt};
use drydock_api::runservice::types::{AttemptId, ExecutorId, Status};
use drydock_core::db::Tx;
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;

use super::state::{load, save};
use crate::engine::EngineSettings;
use crate::engine::attempt::finish;
use crate::engine::status::{Verdict, judge};
use crate::record::Attempt;
use crate::schema::ATTEMPTS;

/// An attempt of this executor.
pub fn find(tx: &Tx<'_>, executor: ExecutorId, attempt: AttemptId) -> Result<Attempt, BoxError> {
    let found: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
    let own = found.filter(|found| found.executor == executor);
    Ok(own.ok_or_else(|| attempt_not_exist(attempt))?)
}

/// Ends the attempt as its executor reports it. The same report again changes nothing.
pub fn report(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    executor: ExecutorId,
    attempt: AttemptId,
    status: &Status,
) -> Result<(), BoxError> {
    let attempt = find(tx, executor, attempt)?;
    let before = load(tx, attempt.run)?;
    let now = tx.now();
    match judge(before.spec(&attempt.name), &attempt, status, now).map_err(bad_status)? {
        Verdict::Repeated => Ok(()),
        Verdict::Stale(phase) => Err(stale_attempt(phase).into()),
        Verdict::Ends(ending) => {
            let mut after = before.clone();
            finish(&mut after, &attempt.name, ending, now, settings);
            save(tx, settings, &before, after)
        }
    }
}
