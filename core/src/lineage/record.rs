//! What is stored about lineages: one object for each, one that names the current lineage, and a
//! coordination key for the last recovery.

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

/// The object that says which lineage is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentLineage {
    pub lineage: Uuid,
}

impl Envelope for CurrentLineage {
    const FORMAT: &'static str = "drydock-current/1";
}

/// The object that says where a lineage came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineageRecord {
    pub lineage: Uuid,
    /// Lineages before this one, one by one.
    pub epoch: u64,
    /// The coordination store under which it was begun.
    pub identity: Uuid,
    pub parent: Option<Uuid>,
    /// The parent's last position that belongs to this lineage's past.
    pub fork: Position,
    /// The lineage that it took the place of, if that is not its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Uuid>,
    pub reason: Reason,
    pub created: Timestamp,
}

impl LineageRecord {
    /// A lineage that begins with nothing, under a coordination store of its own.
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
