//! The numbers by which the engine decides. Their bounds are checked where they are read.

use std::time::Duration;

use jiff::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// How long a ready task waits for an executor.
    pub queue_timeout: Duration,
    /// How long an attempt may take if its task does not say.
    pub attempt_timeout: Duration,
    /// How long a run may take, without the time for which it waits for an approval.
    pub run_timeout: Duration,
    /// How long a task waits for an approval if it does not say.
    pub approval_timeout: Duration,
    /// How much later than an executor the service acts on a deadline: one clock that is wrong
    /// kills little.
    pub deadline_margin: Duration,
    /// How long processes have between the request to end and their death.
    pub stop_grace: Duration,
    /// How long an attempt that was stopped may take besides the grace: for its death, and for the
    /// steps that always run.
    pub stop_timeout: Duration,
    /// The pause before the first retry; it doubles with each one.
    pub retry_pause: Duration,
    pub retry_pause_max: Duration,
    /// How long after the loss of an executor an exclusive task, and its run's group, rest.
    pub exclusive_rest: Duration,
    /// The least time that an attempt has left when it is taken over after an import.
    pub adopted_left: Duration,
    /// How long an executor may be silent after an import until it is lost.
    pub adoption_patience: Duration,
    /// Queued runs that start in a minute after maintenance, an import or a recovery.
    pub resume_per_minute: u32,
}

impl Default for EngineSettings {
    fn default() -> EngineSettings {
        const MINUTE: Duration = Duration::from_secs(60);
        EngineSettings {
            queue_timeout: MINUTE * 60 * 24,
            attempt_timeout: MINUTE * 60,
            run_timeout: MINUTE * 60 * 24,
            approval_timeout: MINUTE * 60 * 24 * 7,
            deadline_margin: Duration::from_secs(30),
            stop_grace: Duration::from_secs(10),
            stop_timeout: MINUTE * 5 + Duration::from_secs(10),
            retry_pause: Duration::from_secs(5),
            retry_pause_max: MINUTE * 5,
            exclusive_rest: Duration::from_secs(30),
            adopted_left: MINUTE,
            adoption_patience: MINUTE * 2,
            resume_per_minute: 60,
        }
    }
}

/// The time so much later, or the end of time.
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}
