//! What an executor reports of an attempt.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AttemptPhase, Reason};
use crate::distinct;

/// The greatest length of an object's name.
pub const MAX_OBJECT_NAME: usize = 256;

/// The body of PUT `/executors/self/attempts/{attempt}`: how the attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    pub phase: AttemptPhase,
    /// Given if, and only if, the attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The steps that were begun, in the order of the definition.
    #[serde(default)]
    pub steps: Vec<StepReport>,
    /// The log of each step, by `setup` or the number of the step, from 0.
    #[serde(default, deserialize_with = "distinct")]
    pub logs: BTreeMap<String, LogReport>,
    /// The archive of each step that saves, by the number of the step, from 0.
    #[serde(default, deserialize_with = "distinct")]
    pub archives: BTreeMap<String, ArchiveReport>,
}

/// One step. Times are the executor's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepReport {
    /// How the step ended; absent: it was skipped, or killed before it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<StepExit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StepExit {
    Code(u8),
    Signal { signal: u8, core: bool },
}

/// The size and the BLAKE3 digest (hexadecimal) of a whole log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogReport {
    pub size: u64,
    pub blake3: String,
}

/// An archive in object storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveReport {
    pub object: String,
    pub size: u64,
    pub blake3: String,
}
