//! What becomes of attempts after an import or a recovery: the state may be older or newer than
//! what executors hold.

use std::time::Duration;

use drydock_api::runservice::types::Reason;
use jiff::Timestamp;

use super::settings::{EngineSettings, later};

/// What the state says of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    Running {
        deadline: Timestamp,
    },
    Final {
        logs_exist: bool,
        archives_exist: bool,
    },
    /// The task was not started, or is final with another attempt, or does not exist.
    Nothing,
}

/// What the executor says of the attempt since the start of reconciling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportedState {
    Running,
    /// The attempt has ended, and its result is kept.
    Ended,
    /// Neither the attempt nor its claim. Whether its result is kept is not said yet.
    Absent,
    /// Neither the attempt, nor its claim, nor its result.
    Forgotten,
    /// The claim was asked for, and has not yielded an attempt yet.
    Asked,
    /// The executor was not heard for this long.
    Silent(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is decided yet.
    Wait,
    /// Nothing has to be done.
    Nothing,
    /// The attempt goes on.
    Adopted {
        deadline: Timestamp,
    },
    /// The result is sent, and taken: the steps did run, exactly once.
    ResultTaken,
    Failed(Reason),
    /// The executor is told that the attempt is unknown.
    Unknown,
    /// The logs are incomplete; if archives are missing, children that need them fail.
    ObjectsMissing {
        logs: bool,
        archives: bool,
    },
}

/// Reconciles one attempt.
pub fn reconcile(
    recorded: Recorded,
    reported: ReportedState,
    now: Timestamp,
    settings: &EngineSettings,
) -> Outcome {
    match (recorded, reported) {
        (Recorded::Running { deadline }, ReportedState::Running) => {
            Outcome::Adopted { deadline: deadline.max(later(now, settings.adopted_left)) }
        }
        (Recorded::Running { .. }, ReportedState::Ended) => Outcome::ResultTaken,
        (Recorded::Running { .. }, ReportedState::Forgotten) => {
            Outcome::Failed(Reason::LostInRestore)
        }
        (Recorded::Running { .. }, ReportedState::Asked | ReportedState::Absent) => Outcome::Wait,
        (Recorded::Running { .. }, ReportedState::Silent(silence)) => {
            match silence >= settings.adoption_patience {
                true => Outcome::Failed(Reason::ExecutorLost),
                false => Outcome::Wait,
            }
        }
        (Recorded::Nothing, ReportedState::Running | ReportedState::Ended) => Outcome::Unknown,
        (
            Recorded::Nothing,
            ReportedState::Absent
            | ReportedState::Forgotten
            | ReportedState::Asked
            | ReportedState::Silent(_),
        ) => Outcome::Nothing,
        (Recorded::Final { logs_exist: true, archives_exist: true }, ReportedState::Running) => {
            Outcome::Unknown
        }
        (Recorded::Final { logs_exist: true, archives_exist: true }, _) => Outcome::Nothing,
        (Recorded::Final { logs_exist, archives_exist }, _) => {
            Outcome::ObjectsMissing { logs: !logs_exist, archives: !archives_exist }
        }
    }
}
