//! Whether a failed task is tried again, and when.

use std::time::Duration;

use drydock_api::runservice::types::{AllowFailure, Reason, RetryFor, RetryKind, TaskSpec};

use super::settings::EngineSettings;

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    pub reason: Reason,
    /// The exit code of the step that failed.
    pub code: Option<u8>,
}

/// Whether the definition wants one more attempt after `retries` ones. A claim of which nothing was
/// started is always repeated, and not counted.
pub fn is_retried(spec: &TaskSpec, retries: u32, failure: Failure) -> bool {
    if failure.reason == Reason::ClaimLost {
        return true;
    }
    let Some(retry) = &spec.retry else { return false };
    let wanted = |wanted: &RetryFor| match *wanted {
        RetryFor::Kind(kind) => kind_of(failure.reason) == Some(kind),
        RetryFor::Code(code) => failure.reason == Reason::ExitCode && failure.code == Some(code),
    };
    let any = || kind_of(failure.reason).is_some();
    retries < u32::from(retry.max)
        && retry.r#for.as_ref().map_or_else(any, |list| list.iter().any(wanted))
}

/// The kind of a failure that another attempt may mend.
fn kind_of(reason: Reason) -> Option<RetryKind> {
    match reason {
        Reason::ExecutorLost
        | Reason::ExecutorRestarted
        | Reason::LostInRestore
        | Reason::RefusedByExecutor => Some(RetryKind::ExecutorLost),
        Reason::Timeout => Some(RetryKind::Timeout),
        Reason::ExitCode
        | Reason::Signal
        | Reason::OutOfMemory
        | Reason::SetupFailed
        | Reason::LogLimit
        | Reason::DiskFull => Some(RetryKind::Failed),
        Reason::ArchiveMissing
        | Reason::ClaimLost
        | Reason::QueueTimeout
        | Reason::StoppedByUser
        | Reason::Superseded
        | Reason::ApprovalRefused
        | Reason::ApprovalExpired
        | Reason::RunTimeout
        | Reason::FailFast => None,
    }
}

/// The pause before a further attempt.
pub fn pause(retries: u32, settings: &EngineSettings) -> Duration {
    let doubled = settings.retry_pause.saturating_mul(1 << retries.min(16));
    doubled.min(settings.retry_pause_max)
}

/// Whether the failure counts as a success.
pub fn is_allowed(spec: &TaskSpec, failure: Failure) -> bool {
    match &spec.allow_failure {
        AllowFailure::Always(always) => *always,
        AllowFailure::Codes(codes) => {
            failure.reason == Reason::ExitCode
                && failure.code.is_some_and(|code| codes.contains(&code))
        }
    }
}
