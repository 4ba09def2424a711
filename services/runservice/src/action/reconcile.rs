//! Reconciling: attempts of the era before are compared with what their executors hold, one by one.
//! Until all are, executors get no tasks, and no deadline ends anything.
//!
//! An executor speaks for its own attempts by a heartbeat, a claim or a report. One that stays
//! silent loses them, see `background`.
//!
//! Absent on purpose: attempts that have ended, whose logs and archives are not looked for yet.

use drydock_api::runservice::types::{AttemptId, Reason};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;

use super::executor::end;
use super::gate;
use super::heartbeat::HeartbeatReport;
use crate::engine::EngineSettings;
use crate::engine::reconcile::{Outcome, Recorded, ReportedState, reconcile};
use crate::model;
use crate::record::{Attempt, Era, Executor, Reconciled, ResumeGate, Stored};
use crate::schema::{ATTEMPTS, EXECUTORS, GATES};

/// The greatest number of attempts that one transaction gives up.
const AT_ONCE: usize = 100;

/// The gate, if it was made for an era.
fn current(tx: &Tx<'_>) -> Result<Option<(ResumeGate, Era)>, DbError> {
    let gate = gate::find(tx)?;
    Ok(gate.and_then(|gate| Some((gate.clone(), gate.era?))))
}

/// Whether a heartbeat has something to say about attempts of the era before.
pub fn concerns(
    tx: &Tx<'_>,
    executor: &Executor,
    report: &HeartbeatReport,
) -> Result<bool, DbError> {
    let Some((gate, era)) = current(tx)? else { return Ok(false) };
    if executor.era != Some(era) && !report.held.is_empty() {
        return Ok(true);
    }
    if gate.reconciled {
        return Ok(false);
    }
    let own = model::attempt::live_on(tx, report.executor)?;
    Ok(own.iter().any(|attempt| is_decided(attempt, era, report)))
}

fn is_decided(attempt: &Attempt, era: Era, report: &HeartbeatReport) -> bool {
    let state = reported_state(attempt, report);
    attempt.era != Some(era) && !matches!(state, ReportedState::Asked | ReportedState::Absent)
}

/// The attempts of the era before that may have ended before their executor let go of them: it is
/// to say whether it has kept their results.
pub fn recalled(tx: &Tx<'_>, report: &HeartbeatReport) -> Result<Vec<AttemptId>, DbError> {
    let Some((gate, era)) = current(tx)? else { return Ok(Vec::new()) };
    if gate.reconciled {
        return Ok(Vec::new());
    }
    let own = model::attempt::live_on(tx, report.executor)?.into_iter();
    let is_absent = |attempt: &Attempt| reported_state(attempt, report) == ReportedState::Absent;
    let recalled = own.filter(|attempt| attempt.era != Some(era) && is_absent(attempt));
    Ok(recalled.map(|attempt| attempt.id).collect())
}

fn reported_state(attempt: &Attempt, report: &HeartbeatReport) -> ReportedState {
    match report.held.get(&attempt.id) {
        Some(state) if state.has_ended() => ReportedState::Ended,
        Some(_) => ReportedState::Running,
        None if report.asked.contains(&attempt.claim) => ReportedState::Asked,
        None if report.forgotten.contains(&attempt.id) => ReportedState::Forgotten,
        None => ReportedState::Absent,
    }
}

/// Reconciles the attempts of an executor by its heartbeat. `unknown`: what it holds, and must end.
pub fn by_heartbeat<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    report: &HeartbeatReport,
    unknown: usize,
) -> Result<(), ActionError<F>> {
    let Some((_, era)) = current(tx)? else { return Ok(()) };
    if gate::era(tx)? != Some(era) {
        return Ok(());
    }
    let mut counts = Reconciled::default();
    let executor: Option<Executor> = tx.get(EXECUTORS, report.executor.0)?;
    if let Some(mut executor) = executor.filter(|it| it.era != Some(era) && !report.held.is_empty())
    {
        counts.unknown = u64::try_from(unknown).unwrap_or(u64::MAX);
        executor.era = Some(era);
        executor.touch(tx.now());
        tx.put(EXECUTORS, executor.id.0, &executor)?;
    }
    for attempt in model::attempt::live_on(tx, report.executor)? {
        if attempt.era == Some(era) {
            continue;
        }
        let recorded = Recorded::Running { deadline: attempt.deadline };
        match reconcile(recorded, reported_state(&attempt, report), tx.now(), settings) {
            Outcome::Adopted { deadline } => {
                adopt(tx, attempt, era, deadline)?;
                counts.adopted += 1;
            }
            Outcome::ResultTaken => {
                let deadline = attempt.deadline;
                adopt(tx, attempt, era, deadline)?;
                counts.results_taken += 1;
            }
            Outcome::Failed(reason) => {
                end(tx, settings, &attempt, reason)?;
                counts.lost_in_restore += 1;
            }
            Outcome::Wait
            | Outcome::Nothing
            | Outcome::Unknown
            | Outcome::ObjectsMissing { .. } => {}
        }
    }
    count(tx, counts)
}

/// The executor asks for this attempt once more, under the same claim: it goes on.
pub fn by_claim<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    attempt: &Attempt,
) -> Result<(), ActionError<F>> {
    let Some(era) = gate::era(tx)?.filter(|era| attempt.era != Some(*era)) else { return Ok(()) };
    let recorded = Recorded::Running { deadline: attempt.deadline };
    let outcome = reconcile(recorded, ReportedState::Running, tx.now(), settings);
    let Outcome::Adopted { deadline } = outcome else { return Ok(()) };
    adopt(tx, attempt.clone(), era, deadline)?;
    count(tx, Reconciled { adopted: 1, ..Reconciled::default() })
}

/// The executor has reported the end of this attempt, which was taken.
pub fn by_report<F>(tx: &mut StoreTx<'_>, attempt: &Attempt) -> Result<(), ActionError<F>> {
    match gate::era(tx)? {
        Some(era) if attempt.era != Some(era) => {
            count(tx, Reconciled { results_taken: 1, ..Reconciled::default() })
        }
        _ => Ok(()),
    }
}

/// Ends the attempts whose executors have stayed silent, and the reconciling if none is left.
pub fn give_up<F>(tx: &mut StoreTx<'_>, settings: &EngineSettings) -> Result<(), ActionError<F>> {
    let Some(era) = gate::era(tx)? else { return Ok(()) };
    let mut counts = Reconciled::default();
    for attempt in model::attempt::of_other_eras(tx, era, AT_ONCE)? {
        let attempt: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
        // The end of one may have ended another one of the same run.
        if let Some(attempt) = attempt.filter(|attempt| !attempt.phase.is_final()) {
            end(tx, settings, &attempt, Reason::ExecutorLost)?;
            counts.executor_lost += 1;
        }
    }
    count(tx, counts)
}

/// Ends the reconciling if nothing is left of it.
pub fn settle<F>(tx: &mut StoreTx<'_>) -> Result<(), ActionError<F>> {
    count(tx, Reconciled::default())
}

fn adopt<F>(
    tx: &mut StoreTx<'_>,
    mut attempt: Attempt,
    era: Era,
    deadline: Timestamp,
) -> Result<(), ActionError<F>> {
    attempt.era = Some(era);
    attempt.deadline = deadline;
    attempt.touch(tx.now());
    Ok(tx.put(ATTEMPTS, attempt.id.0, &attempt)?)
}

/// Adds to the counts of the era's gate.
fn count<F>(tx: &mut StoreTx<'_>, more: Reconciled) -> Result<(), ActionError<F>> {
    let Some((before, era)) = current(tx)? else { return Ok(()) };
    if gate::era(tx)? != Some(era) {
        return Ok(());
    }
    let mut gate = before.clone();
    gate.counts.adopted += more.adopted;
    gate.counts.results_taken += more.results_taken;
    gate.counts.lost_in_restore += more.lost_in_restore;
    gate.counts.executor_lost += more.executor_lost;
    gate.counts.unknown += more.unknown;
    gate.reconciled = model::attempt::left_over(tx, era)? == 0;
    match gate == before {
        true => Ok(()),
        false => Ok(tx.put(GATES, gate.id, &gate)?),
    }
}
