use drydock_api::runservice::types::{CacheId, ProjectId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An entry of a project's cache, as stored. It appears when its object is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    pub id: CacheId,
    pub project: ProjectId,
    /// The branch, tag or ref whose runs have the entry.
    pub scope: String,
    pub key: String,
    /// The name of its object, below the attempt that has uploaded it.
    pub object: String,
    pub size: u64,
    pub blake3: String,
    /// The entry's place in the order of commits, whatever clocks say.
    pub place: u64,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
}
