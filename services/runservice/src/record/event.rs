use drydock_api::runservice::types::{Group, Phase, ProjectId, RunId, RunResult};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One change of a run's phase or result, in the same commit as the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEvent {
    pub id: Uuid,
    /// The event's place: one more than that of the event before it.
    pub seq: u64,
    pub run: RunId,
    pub project: ProjectId,
    pub number: u64,
    pub group: Group,
    pub phase: Phase,
    pub result: RunResult,
    pub at: Timestamp,
}
