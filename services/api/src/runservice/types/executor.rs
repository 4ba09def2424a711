use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ArchiveReport, AttemptId, ClaimId, ClaimedCache, ExecutorId, Group, HeldState, Label,
    ProjectId, Reason, RunId, TaskName, TaskSpec, TimeSpan,
};
use crate::names::Name;

/// The greatest number of attempts that an executor may take at once.
pub const MAX_LIMIT: u32 = 1000;

/// An executor, as it is answered: without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutorView {
    pub id: ExecutorId,
    pub name: Name,
    pub labels: BTreeSet<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The greatest number of attempts at once; 0 before the first heartbeat.
    pub limit: u32,
    /// The number of its attempts that have not ended.
    pub active: u32,
    /// A disabled executor gets no tasks.
    pub enabled: bool,
    /// The executor is to end its attempts and to ask for no more.
    pub drain: bool,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The body of POST `/executors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExecutor {
    #[schemars(with = "Name")]
    pub name: String,
    /// Labels that the executor has whatever its heartbeats say.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(length(max = 32))]
    pub labels: BTreeSet<Label>,
}

/// A new executor. No other answer holds an executor's token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewExecutorView {
    #[serde(flatten)]
    pub executor: ExecutorView,
    pub token: String,
}

impl fmt::Debug for NewExecutorView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewExecutorView").field("executor", &self.executor).finish_non_exhaustive()
    }
}

/// The body of PUT `/executors/{ref}`; absent fields do not change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecutorChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<bool>,
}

/// The body of PUT `/executors/self`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// The number of the executor's starts, from 1. Lower ones than the greatest are refused.
    #[schemars(range(min = 1))]
    pub session: u64,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(length(max = 32))]
    pub labels: BTreeSet<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>")]
    pub arch: Option<String>,
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: u32,
    /// The attempts in the executor's journal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4000))]
    pub held: Vec<HeldAttempt>,
    /// The claims in the journal that have not yielded an attempt.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(length(max = 1000))]
    pub asked: BTreeSet<ClaimId>,
    /// Of the attempts whose results were wanted (`recall`), those of which none is kept.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(length(max = 4000))]
    pub forgotten: BTreeSet<AttemptId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldAttempt {
    pub attempt: AttemptId,
    pub state: HeldState,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeartbeatAnswer {
    /// The attempts to stop.
    pub stop: Vec<StopAttempt>,
    /// The attempts of which everything may be removed.
    pub release: Vec<AttemptId>,
    /// The attempts to end, whose logs are kept.
    pub unknown: Vec<AttemptId>,
    /// The attempts that run in a state that an import or a recovery has brought back, and that the
    /// executor does not hold. It reports their results again if it has kept them, and names the
    /// others as `forgotten`.
    #[serde(default)]
    pub recall: Vec<AttemptId>,
    pub drain: bool,
    /// How long after its last heartbeat the executor is lost.
    pub lost_after_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopAttempt {
    pub attempt: AttemptId,
    pub reason: Reason,
    /// How long the processes have between the request to end and their death.
    pub grace_ms: u64,
}

/// The body of POST `/executors/self/claims`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaim {
    /// Chosen by the executor, which keeps it until it yields an attempt: the same claim gets the
    /// same attempt.
    pub claim: ClaimId,
    pub session: u64,
}

/// The query of POST `/executors/self/claims`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimQuery {
    /// How long the answer may take if there is no task yet. It may come sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<TimeSpan>,
}

/// The task that an executor gets. No other answer holds values of variables.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claimed {
    pub attempt: ClaimedAttempt,
    pub run: ClaimedRun,
    pub task: ClaimedTask,
    pub environment: BTreeMap<String, String>,
    /// The names of the environment whose values logs may show. All other values are masked.
    #[serde(default)]
    pub unmasked: BTreeSet<String>,
    /// The time that the attempt has left.
    pub remaining_ms: u64,
    /// The archives to lay out, in this order.
    pub restore: Vec<RestoredArchive>,
    /// What keys of caches need to know of the run; absent: the run has no cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<ClaimedCache>,
}

impl fmt::Debug for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claimed").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimedAttempt {
    pub id: AttemptId,
    pub number: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimedRun {
    pub id: RunId,
    pub project: ProjectId,
    pub group: Group,
    pub number: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimedTask {
    pub name: TaskName,
    #[serde(flatten)]
    pub spec: TaskSpec,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestoredArchive {
    pub task: TaskName,
    pub attempt: AttemptId,
    /// The tasks above that task: its archives lie over theirs.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub above: BTreeSet<TaskName>,
    /// The number of the step that saved it.
    pub step: String,
    pub archive: ArchiveReport,
}
