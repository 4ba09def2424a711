//! The end of an attempt, as it is reported.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{ArchiveReport, AttemptPhase, Reason, Status, StepReport};
use jiff::Timestamp;

use crate::attempt::{Outcome, StepOutcome};

/// The report of this outcome, and of the archives that are stored.
pub fn status(outcome: &Outcome, archives: BTreeMap<String, ArchiveReport>) -> Status {
    let (phase, reason) = told(outcome);
    Status {
        phase,
        reason,
        steps: outcome.steps.iter().map(step).collect(),
        logs: outcome.logs.clone(),
        archives,
    }
}

/// The phase and the reason that are reported.
fn told(outcome: &Outcome) -> (AttemptPhase, Option<Reason>) {
    match (outcome.phase, outcome.reason) {
        // The executor has ended it without an order to stop.
        (AttemptPhase::Stopped, Some(reason @ (Reason::ExecutorLost | Reason::LostInRestore))) => {
            (AttemptPhase::Failed, Some(reason))
        }
        (AttemptPhase::Failed, reason) => (AttemptPhase::Failed, reason),
        (phase, _) => (phase, None),
    }
}

/// A report of little more than the end, for an attempt whose own was refused so often. It gives up
/// the steps, then what may be wrong beside them; the last one no service refuses. An attempt that
/// was stopped stays so for as long as it can, because one that has failed may be tried again.
pub fn plain_status(outcome: &Outcome, refusals: u32) -> Status {
    let was_stopped = told(outcome).0 == AttemptPhase::Stopped;
    let (is_stopped, has_logs) = match (was_stopped, refusals) {
        (true, ..=1) => (true, true),
        (true, 2) => (true, false),
        (true, 3) | (false, ..=1) => (false, true),
        _ => (false, false),
    };
    let plain = match is_stopped {
        true => ended(AttemptPhase::Stopped, None, None),
        false => ended(AttemptPhase::Failed, Some(Reason::ExecutorRestarted), None),
    };
    // Its logs are wanted all the same.
    let logs = if has_logs { outcome.logs.clone() } else { BTreeMap::new() };
    status(&Outcome { logs, ..plain }, BTreeMap::new())
}

/// The outcome of an attempt of which no step was begun, or nothing is left.
pub fn ended(phase: AttemptPhase, reason: Option<Reason>, message: Option<String>) -> Outcome {
    Outcome {
        phase,
        reason,
        message,
        steps: Vec::new(),
        logs: BTreeMap::new(),
        archives: BTreeMap::new(),
        caches: BTreeMap::new(),
        kill_incomplete: false,
    }
}

fn step(step: &StepOutcome) -> StepReport {
    let at = |ms: Option<i64>| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let (started_at, ended_at) = (at(step.started_at_ms), at(step.ended_at_ms));
    // The clock may have been set back in between.
    StepReport { exit: step.exit, started_at, ended_at: ended_at.max(started_at) }
}
