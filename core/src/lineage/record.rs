//! The stored records about lineages: an object for each lineage, an object that names the current
//! one, and a coordination key for the last recovery.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::env::Env;
use crate::log::format::{Position, Reason};
use crate::objects::Envelope;

/// The last time that `head` was made from objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryRecord {
    pub at: Timestamp,
    /// The lineage that was recovered.
    pub lineage: Uuid,
    /// The last commit that objects proved; later ones are lost.
    pub position: Position,
}

/// The object that names the current lineage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentLineage {
    pub lineage: Uuid,
}

impl Envelope for CurrentLineage {
    const FORMAT: &'static str = "drydock-current/1";
}

/// The object that holds the origin of a lineage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineageRecord {
    pub lineage: Uuid,
    /// The number of lineages before this one.
    pub epoch: u64,
    /// The coordination store under which it was begun.
    pub identity: Uuid,
    pub parent: Option<Uuid>,
    /// The parent's last position whose commit this lineage's first state includes.
    pub fork: Position,
    /// The lineage that was current before this one, if that is not its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Uuid>,
    pub reason: Reason,
    pub created: Timestamp,
}

impl LineageRecord {
    /// The record of a lineage that begins with the empty state, under a new coordination store.
    pub(crate) fn first(env: &Env, lineage: Uuid) -> LineageRecord {
        LineageRecord {
            lineage,
            epoch: 0,
            identity: env.new_id(),
            parent: None,
            fork: 0,
            replaced: None,
            reason: Reason::Bootstrap,
            created: env.now(),
        }
    }
}

impl Envelope for LineageRecord {
    const FORMAT: &'static str = "drydock-lineage/1";
}
