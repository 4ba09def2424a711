//! The end of an attempt, as its executor reports it.

use drydock_api::runservice::refusals::{AttemptNotExist, BadStatus};
use drydock_api::runservice::types::{AttemptId, AttemptPhase, ExecutorId, Status};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::read_model::lineage;
use drydock_core::store::StoreTx;
use jiff::Timestamp;

use super::state::{definition, load_known, save};
use super::{gate, reconcile};
use crate::engine::EngineSettings;
use crate::engine::attempt::finish;
use crate::engine::status::{Verdict, judge, late_logs};
use crate::model;
use crate::record::{Attempt, Stored};
use crate::schema::ATTEMPTS;

/// An attempt of this executor.
pub fn find<F: From<AttemptNotExist>>(
    tx: &Tx<'_>,
    executor: ExecutorId,
    attempt: AttemptId,
) -> Result<Attempt, ActionError<F>> {
    let found: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
    let own = found.filter(|found| found.executor == executor);
    Ok(own.ok_or(AttemptNotExist(attempt))?)
}

/// Whether this report may end the attempt, as far as a state tells that may be old.
pub fn may_end(
    tx: &Tx<'_>,
    attempt: AttemptId,
    status: &Status,
    now: Timestamp,
) -> Result<bool, DbError> {
    let found: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
    let Some(attempt) = found else { return Ok(true) };
    let definition = match model::run::find(tx, attempt.run)? {
        Some(run) => definition(tx, &run)?,
        None => None,
    };
    let spec = definition.as_ref().and_then(|it| it.tasks.get(&attempt.name));
    let lineage = lineage(tx)?;
    let verdict = spec.map(|spec| judge(spec, &attempt, status, lineage, now));
    Ok(matches!(verdict, None | Some(Ok(Verdict::Ends(_)))))
}

/// Ends the attempt as its executor reports it. The same report again changes nothing. If it has
/// ended otherwise, only what the report says of logs is taken, and the answer is its phase.
pub fn report<F: From<AttemptNotExist> + From<BadStatus>>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    executor: ExecutorId,
    attempt: AttemptId,
    status: &Status,
) -> Result<Option<AttemptPhase>, ActionError<F>> {
    let attempt = find(tx, executor, attempt)?;
    let before = load_known(tx, attempt.run)?;
    let (spec, now) = (before.spec(&attempt.name), tx.now());
    let verdict = judge(spec, &attempt, status, tx.lineage()?, now);
    let stale = match verdict.map_err(|problem| BadStatus(problem.to_string()))? {
        Verdict::Repeated => None,
        Verdict::Stale(phase) => Some(phase),
        Verdict::Ends(ending) => {
            gate::begin(tx, settings.resume_per_minute)?;
            let mut after = before.clone();
            finish(&mut after, &attempt.name, ending, now, settings);
            save(tx, settings, &before, after)?;
            reconcile::by_report(tx, &attempt)?;
            return Ok(None);
        }
    };
    if let Some(mut known) = late_logs(spec, &attempt, status) {
        known.touch(now);
        tx.put(ATTEMPTS, known.id.0, &known)?;
    }
    Ok(stale)
}
