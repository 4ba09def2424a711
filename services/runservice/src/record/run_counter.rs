use drydock_api::runservice::types::ProjectId;
use serde::{Deserialize, Serialize};

/// The last number that was given to a run of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunCounter {
    /// The project's id.
    pub id: ProjectId,
    pub number: u64,
}
