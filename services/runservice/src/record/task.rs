use std::collections::BTreeSet;

use drydock_api::runservice::types::{
    AttemptId, Label, ProjectId, Reason, RunId, TaskId, TaskName, TaskStatus,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A task of a run, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub id: TaskId,
    pub run: RunId,
    pub project: ProjectId,
    pub name: TaskName,
    /// The task's place in the order of the run's graph.
    pub place: u32,
    /// The labels that an executor must have.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<Label>,
    /// The architecture that an executor must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The named pool of which an attempt takes a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    pub status: TaskStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The failure counts as a success.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failure_allowed: bool,
    /// The number of attempts so far.
    pub attempts: u32,
    /// The number of attempts that were made because another one failed. An attempt of which
    /// nothing was started is not counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: u32,
    /// The newest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
    /// Nothing but an executor is missing since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
    /// The next attempt does not start before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// When the task has waited too long for an executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_deadline: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// An archive of the task is not in object storage any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archives_missing: bool,
    /// The task was not run here: it is the one of an earlier run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The attempt that a restarted run did not repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    pub run: RunId,
    pub task: TaskId,
    /// Absent if the task ended without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub state: ApprovalState,
    pub since: Timestamp,
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    Waiting,
    Approved,
    Refused,
    Expired,
}
