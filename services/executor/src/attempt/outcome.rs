//! `result.json`: how an attempt ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub phase: Phase,
    /// Given if, and only if, the attempt did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What a person wants to know besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The steps, in their order.
    #[serde(default)]
    pub steps: Vec<StepOutcome>,
    /// Of each log that is there, by `setup` or the number of the step, from 0.
    #[serde(default)]
    pub logs: BTreeMap<String, LogDigest>,
    /// Some process of the attempt could not be killed.
    #[serde(default)]
    pub kill_incomplete: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Success,
    Failed,
    Stopped,
}

/// The part of the service's vocabulary that an executor uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    ExitCode,
    Signal,
    OutOfMemory,
    Timeout,
    ExecutorRestarted,
    SetupFailed,
    LogLimit,
    DiskFull,
    StoppedByUser,
    Superseded,
    RunTimeout,
    FailFast,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// How the step ended; absent: it was skipped, or could not be executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<StepExit>,
    /// Milliseconds since 1970 by the clock of the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<i64>,
    /// The number of the error with which the step could not be executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepExit {
    Code(u8),
    Signal { signal: u8, core: bool },
}

/// The size and the BLAKE3 digest (hexadecimal) of a whole log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDigest {
    pub size: u64,
    pub blake3: String,
}
