use std::collections::BTreeMap;

use drydock_api::distinct;
use drydock_api::runservice::types::{RunId, TaskName, TaskSpec};
use drydock_runtime::encryption::Encrypted;
use serde::{Deserialize, Serialize};

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
