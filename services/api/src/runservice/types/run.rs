use std::collections::BTreeMap;
use std::fmt;

use drydock_http::api::page::{CURSOR, Consistency};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AttemptId, AttemptPhase, CacheScopes, Condition, ExecutorId, Group, LogState, OnNewer, Phase,
    ProjectId, Reason, RestartFrom, RunId, RunResult, StepReport, TaskId, TaskName, TaskSpec,
    TaskStatus, WaitingFor,
};
use crate::distinct;

/// The greatest length of a name and of the text of an annotation.
pub const MAX_TEXT: usize = 255;
pub const MAX_ANNOTATIONS: usize = 64;
pub const MAX_ENVIRONMENT_BYTES: usize = 64 * 1024;
/// The greatest number of errors of a definition.
pub const MAX_SETUP_ERRORS: usize = 128;
/// The greatest length of one of them.
pub const MAX_SETUP_ERROR: usize = 1024;

/// The body of POST `/runs`: a new run with `project`, `name` and `tasks`, or the restart of an
/// earlier one with `restart_of` and `from`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The runs of one group follow each other; the project's own group if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub name: Option<String>,
    /// The tasks by name. Tasks that do not fit together make a run in the phase `setup_error`.
    #[serde(default, deserialize_with = "given_tasks", skip_serializing_if = "Option::is_none")]
    pub tasks: Option<BTreeMap<String, TaskSpec>>,
    /// What is wrong with a definition of which no tasks can be made: the run is stored in the
    /// phase `setup_error`. In the place of `tasks`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_SETUP_ERRORS), inner(length(min = 1, max = MAX_SETUP_ERROR)))]
    pub setup_errors: Vec<String>,
    /// Variables, whose values are stored encrypted and answered to executors only. A restart keeps
    /// the variables of the earlier run; one that the request names replaces the earlier one.
    #[serde(default, deserialize_with = "distinct", skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Of the environment, the names whose values come from variables of the project, with the
    /// names of those. Their values are masked in logs, all others are shown. A restart does not
    /// take their values from the run.
    #[serde(default, deserialize_with = "distinct", skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "distinct", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_newer: Option<OnNewer>,
    /// A failure cancels every task that cannot be part of dealing with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fail_fast: bool,
    /// The run's priority among those of its project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -100, max = 100))]
    pub priority: Option<i8>,
    /// The run's part of the project's cache; absent: it has none. A restart has the same as the
    /// earlier run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheScopes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_of: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RestartFrom>,
}

fn given_tasks<'de, D>(deserializer: D) -> Result<Option<BTreeMap<String, TaskSpec>>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    distinct(deserializer).map(Some)
}

impl fmt::Debug for NewRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRun")
            .field("project", &self.project)
            .field("group", &self.group)
            .field("name", &self.name)
            .field("restart_of", &self.restart_of)
            .finish_non_exhaustive()
    }
}

/// A run, as it is answered in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunSummary {
    pub id: RunId,
    pub project: ProjectId,
    pub group: Group,
    /// The run's number in its project.
    pub number: u64,
    pub name: String,
    pub phase: Phase,
    pub result: RunResult,
    /// Why the run was cancelled, or is being stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What is wrong with the tasks of a run in the phase `setup_error`.
    pub setup_errors: Vec<String>,
    /// Of the environment, the names whose values come from variables of the project, with the
    /// names of those.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub on_newer: OnNewer,
    pub fail_fast: bool,
    pub priority: i8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_of: Option<RunId>,
    pub queued_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A run with its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunView {
    #[serde(flatten)]
    pub run: RunSummary,
    /// The run's part of the project's cache; absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheScopes>,
    pub tasks: BTreeMap<TaskId, TaskView>,
}

/// A task of a run, as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskView {
    pub id: TaskId,
    pub name: TaskName,
    /// The tasks above it, each with the conditions of which one has to be true.
    pub depends_on: BTreeMap<TaskName, Vec<Condition>>,
    pub status: TaskStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The failure counts as a success.
    pub failure_allowed: bool,
    /// What the task waits for; absent once it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<WaitingFor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalView>,
    /// The newest attempt, which may be one of an earlier run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalView {
    pub state: ApprovalDecision,
    /// The creator of the run may not approve the task.
    pub forbid_creator: bool,
    pub since: Timestamp,
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalDecision {
    Waiting,
    Approved,
    Refused,
    Expired,
}

/// An attempt of a task, as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptView {
    pub id: AttemptId,
    /// The run in which the attempt was made.
    pub run: RunId,
    /// From 1, in its task.
    pub number: u32,
    pub executor: ExecutorId,
    pub phase: AttemptPhase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    pub claimed_at: Timestamp,
    pub deadline: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub steps: Vec<StepReport>,
    pub logs: LogState,
}

/// The query of GET `/runs`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunsQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// Only runs of exactly this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    #[schemars(with = "Option<u32>", range(min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    #[schemars(regex(pattern = CURSOR))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[schemars(extend("enum" = ["asc", "desc"]))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
}

/// The query of GET `/runs/by_number`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByNumberQuery {
    pub project: ProjectId,
    pub number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
}

/// The body of POST `/runs/{id}/tasks/{task}/approve` and `/refuse`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalBody {
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub approver: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_TEXT))]
    pub comment: Option<String>,
}
