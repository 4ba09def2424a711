//! `result.json`: how an attempt ended.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{AttemptPhase, LogReport, Reason, StepExit};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub phase: AttemptPhase,
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
    pub logs: BTreeMap<String, LogReport>,
    /// What steps have saved, by the number of the step, from 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub archives: BTreeMap<String, LogReport>,
    /// What steps have saved for caches, by the number of the step, from 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub caches: BTreeMap<String, SavedCache>,
    /// Some process of the attempt could not be killed.
    #[serde(default)]
    pub kill_incomplete: bool,
}

/// What a step has saved for the cache of its project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedCache {
    pub key: String,
    /// Where the archive begins in the step's file.
    pub offset: u64,
    pub archive: LogReport,
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
