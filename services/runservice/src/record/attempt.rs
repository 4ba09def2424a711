use std::collections::BTreeMap;

use drydock_api::runservice::types::{
    ArchiveReport, AttemptId, AttemptPhase, ClaimId, ExecutorId, LogReport, LogState, ProjectId,
    Reason, RunId, StepReport, TaskId, TaskName,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Era;

/// One attempt of a task, as stored. A final attempt never changes, but for what is known of its
/// logs and archives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    pub id: AttemptId,
    pub project: ProjectId,
    pub run: RunId,
    pub task: TaskId,
    pub name: TaskName,
    /// From 1, in its task.
    pub number: u32,
    /// The attempt's place in the order of claims of all attempts, whatever clocks say.
    pub place: u64,
    pub executor: ExecutorId,
    /// The executor's session at the claim.
    pub session: u64,
    pub claim: ClaimId,
    pub phase: AttemptPhase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The order to stop, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopOrder>,
    /// The named pool of which the attempt takes a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The era in which its executor was last known to hold it. Absent: before the first
    /// maintenance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub era: Option<Era>,
    /// The lineage in which it was claimed. Absent: claimed in an earlier version of the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Uuid>,
    pub claimed_at: Timestamp,
    pub deadline: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepReport>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub logs: BTreeMap<String, LogReport>,
    pub log_state: LogState,
    /// The complete logs, by step. Logs without a byte have no object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sealed: BTreeMap<String, SealedLog>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub archives: BTreeMap<String, ArchiveReport>,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Attempt {
    /// Whether its executor may have had orders of which the state of this lineage knows nothing:
    /// an import, a restore or a recovery has brought it back from before them.
    pub fn is_brought_back(&self, lineage: Uuid) -> bool {
        self.lineage.is_none_or(|claimed_in| claimed_in != lineage)
    }

    /// Whether it has ended, and its executor has not said yet which logs there are.
    pub fn lacks_logs(&self) -> bool {
        self.phase.is_final() && self.log_state == LogState::Live && self.logs.is_empty()
    }

    /// Whether it has ended, and its executor says that there are no logs. There may be pieces all
    /// the same.
    pub fn denies_logs(&self) -> bool {
        self.phase.is_final()
            && self.log_state == LogState::Complete
            && self.logs.is_empty()
            && self.sealed.is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopOrder {
    pub reason: Reason,
    pub at: Timestamp,
    /// How long the processes have between the request to end and their death.
    pub grace_ms: u64,
}

/// A complete log in object storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedLog {
    /// The object's name in the folder of its attempt.
    pub object: String,
    /// The bytes of the object.
    pub stored: u64,
    /// The bytes of the log, and their BLAKE3 digest in hexadecimal.
    pub size: u64,
    pub blake3: String,
}
