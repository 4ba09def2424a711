//! The definition of a task.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TimeSpan;

/// A task as it is to be run. Whether the tasks of a run fit together is not said here: a run whose
/// tasks do not is stored in the phase `setup_error`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// The tasks that must be final before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<Dependency>,
    /// The labels that an executor must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The architecture that an executor must have; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    pub steps: Vec<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRule>,
    #[serde(default, skip_serializing_if = "AllowFailure::is_never")]
    pub allow_failure: AllowFailure,
    /// No two attempts of the task ever overlap, at the price that its executor kills it when it
    /// hears nothing from the service.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
    /// How long an attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,
    /// The named pool of which a running attempt takes one place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<String>,
    /// The condition of the task was false when the run was created: it is skipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip: bool,
}

/// A parent by its name (it must succeed), or parents with the conditions of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Dependency {
    Name(String),
    Conditional(BTreeMap<String, Conditions>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Conditions {
    One(Condition),
    Any(Vec<Condition>),
}

/// The state of a parent that lets its child start.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    OnSuccess,
    OnFailure,
    OnSkipped,
    /// All three.
    Always,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    Run(RunStep),
    Save(SaveStep),
    /// Lays out the archives of all tasks above.
    Restore {},
    SaveCache {
        key: String,
        paths: Vec<String>,
    },
    RestoreCache {
        keys: Vec<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunStep {
    pub command: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,
    #[serde(default, skip_serializing_if = "StepWhen::is_default")]
    pub when: StepWhen,
    /// Exit codes besides 0 that are a success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_exit: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveStep {
    /// Paths relative to the working folder; `*` and `**` as usual.
    pub paths: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepWhen {
    #[default]
    OnSuccess,
    /// Also after a failed step, a stop and a timeout.
    Always,
}

impl StepWhen {
    fn is_default(&self) -> bool {
        *self == StepWhen::default()
    }
}

/// Further attempts of a task that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The number of further attempts, 0 to 10.
    pub max: u8,
    /// The failures after which the task is tried again; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<Vec<RetryFor>>,
}

/// A kind of failure, or the exit code of the step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RetryFor {
    Kind(RetryKind),
    Code(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryKind {
    /// The executor is gone, or has forgotten or refused the attempt.
    ExecutorLost,
    Timeout,
    /// A step failed, or could not be run.
    Failed,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// How long the task waits for an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,
    /// Whoever created the run may not approve it. The gateway checks this.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forbid_creator: bool,
}

/// Whether a failure of the task counts as a success for its run and its children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AllowFailure {
    Always(bool),
    /// With one of these exit codes.
    Codes(Vec<u8>),
}

impl AllowFailure {
    fn is_never(&self) -> bool {
        *self == AllowFailure::default()
    }
}

impl Default for AllowFailure {
    fn default() -> AllowFailure {
        AllowFailure::Always(false)
    }
}
