//! The end of an attempt, as it is reported.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{
    ArchiveReport, AttemptPhase, LogReport, Reason, Status, StepReport,
};
use jiff::Timestamp;

use crate::attempt::{Outcome, StepOutcome};

/// The report of this outcome, and of the archives that are stored.
pub fn status(outcome: &Outcome, archives: BTreeMap<String, ArchiveReport>) -> Status {
    let (phase, reason) = match (outcome.phase, outcome.reason) {
        // The executor has ended it without being told to.
        (AttemptPhase::Stopped, Some(Reason::ExecutorLost)) => {
            (AttemptPhase::Failed, Some(Reason::ExecutorLost))
        }
        (AttemptPhase::Failed, reason) => (AttemptPhase::Failed, reason),
        (phase, _) => (phase, None),
    };
    Status {
        phase,
        reason,
        steps: outcome.steps.iter().map(step).collect(),
        logs: outcome.logs.clone(),
        archives,
    }
}

/// A report of little more than the end, for an attempt whose own was refused. Without logs no
/// service refuses it.
pub fn plain_status(logs: BTreeMap<String, LogReport>) -> Status {
    let outcome = ended(AttemptPhase::Failed, Some(Reason::ExecutorRestarted), None);
    status(&Outcome { logs, ..outcome }, BTreeMap::new())
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
