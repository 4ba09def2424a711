use std::collections::BTreeMap;

use drydock_api::distinct;
use drydock_api::runservice::types::{
    CacheScopes, Group, OnNewer, Phase, ProjectId, Reason, RestartFrom, RunId, RunResult, TaskName,
    TaskSpec,
};
use drydock_runtime::encryption::Encrypted;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A run, as stored. Its tasks are objects of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    pub id: RunId,
    pub project: ProjectId,
    pub group: Group,
    /// The run's number in its project, never given twice.
    pub number: u64,
    /// The run's place in the order of creation of all runs, whatever clocks say.
    pub place: u64,
    pub name: String,
    pub phase: Phase,
    pub result: RunResult,
    /// The run's own definition; absent in the phase `setup_error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<RunId>,
    pub on_newer: OnNewer,
    /// A failure cancels every task that cannot be part of dealing with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fail_fast: bool,
    /// −100 to 100, within the project.
    pub priority: i8,
    /// Why the run was cancelled, or is being stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopRequest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup_errors: Vec<String>,
    /// The names of the project's variables, by their names in the environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Absent: the run has no part of its project's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheScopes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_of: Option<RestartOf>,
    pub queued_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When the run has taken too long. It moves on by the time for which the clock stood still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// The run's clock stands still since then, for an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_since: Option<Timestamp>,
    /// No other run of the group starts before: a lost executor may still run an exclusive task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_held_until: Option<Timestamp>,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopRequest {
    pub reason: Reason,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartOf {
    pub run: RunId,
    pub from: RestartFrom,
}

/// The tasks of a run as they were when it was created. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunDefinition {
    /// The run's id.
    pub id: RunId,
    #[serde(deserialize_with = "distinct")]
    pub tasks: BTreeMap<TaskName, TaskSpec>,
    /// Variables and their values, some of which are secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Encrypted>,
}

/// One change of a run's phase or result, in the same commit as the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEvent {
    pub id: Uuid,
    /// The events' sequence number: each event has the number of the one before it, plus one.
    pub seq: u64,
    pub run: RunId,
    pub project: ProjectId,
    pub number: u64,
    pub group: Group,
    pub phase: Phase,
    pub result: RunResult,
    pub at: Timestamp,
}

/// The last number that was given to a run of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunCounter {
    /// The project's id.
    pub id: ProjectId,
    pub number: u64,
}
