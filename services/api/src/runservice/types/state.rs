//! The states of runs, tasks and attempts, and why they are in them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes an enumeration whose names on the wire are also its texts.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$of:meta])* $variant:ident = $text:literal,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

names! {
    /// The phase of a run.
    Phase {
        /// The definition cannot be run.
        SetupError = "setup_error",
        Queued = "queued",
        /// Cancelled before it started.
        Cancelled = "cancelled",
        Running = "running",
        Finished = "finished",
    }

    /// The result of a run. `failed` is set as soon as it is certain.
    RunResult {
        Unknown = "unknown",
        Stopped = "stopped",
        Success = "success",
        Failed = "failed",
    }

    TaskStatus {
        NotStarted = "not_started",
        Skipped = "skipped",
        Cancelled = "cancelled",
        Running = "running",
        Stopping = "stopping",
        Stopped = "stopped",
        Success = "success",
        Failed = "failed",
    }

    /// The phase of an attempt. The claim is the start.
    AttemptPhase {
        Running = "running",
        Stopping = "stopping",
        Stopped = "stopped",
        Success = "success",
        Failed = "failed",
    }

    /// Why a run, task or attempt is in its state.
    Reason {
        ExitCode = "exit_code",
        Signal = "signal",
        OutOfMemory = "out_of_memory",
        Timeout = "timeout",
        QueueTimeout = "queue_timeout",
        ExecutorLost = "executor_lost",
        ExecutorRestarted = "executor_restarted",
        ClaimLost = "claim_lost",
        SetupFailed = "setup_failed",
        ArchiveMissing = "archive_missing",
        LogLimit = "log_limit",
        DiskFull = "disk_full",
        StoppedByUser = "stopped_by_user",
        Superseded = "superseded",
        ApprovalRefused = "approval_refused",
        ApprovalExpired = "approval_expired",
        RunTimeout = "run_timeout",
        /// Another task failed, and the run was to end then.
        FailFast = "fail_fast",
        LostInRestore = "lost_in_restore",
        RefusedByExecutor = "refused_by_executor",
    }

    /// The state of an attempt in its executor's journal.
    HeldState {
        Claimed = "claimed",
        /// Its processes were started.
        Spawned = "spawned",
        /// It has ended, and its result is kept.
        Exited = "exited",
        /// The service has its result.
        Sent = "sent",
    }

    /// What is known of the logs of an attempt.
    LogState {
        Live = "live",
        Complete = "complete",
        /// Some of what was written is missing, for good.
        Incomplete = "incomplete",
        Deleted = "deleted",
        /// They were kept for as long as logs are.
        Expired = "expired",
    }

    /// What a new run does to the runs of its group before it.
    OnNewer {
        Queue = "queue",
        CancelQueued = "cancel_queued",
        StopRunning = "stop_running",
    }

    /// The tasks that a restarted run begins with.
    RestartFrom {
        Start = "start",
        Failed = "failed",
    }
}

impl Phase {
    /// Whether the run never changes again.
    pub fn is_final(self) -> bool {
        matches!(self, Phase::SetupError | Phase::Cancelled | Phase::Finished)
    }
}

impl TaskStatus {
    /// Whether the task never changes again.
    pub fn is_final(self) -> bool {
        !matches!(self, TaskStatus::NotStarted | TaskStatus::Running | TaskStatus::Stopping)
    }
}

impl AttemptPhase {
    /// Whether the attempt never changes again.
    pub fn is_final(self) -> bool {
        !matches!(self, AttemptPhase::Running | AttemptPhase::Stopping)
    }
}

impl HeldState {
    /// Whether nothing of the attempt runs any more.
    pub fn has_ended(self) -> bool {
        matches!(self, HeldState::Exited | HeldState::Sent)
    }
}
