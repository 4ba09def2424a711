//! The stored records about lineages: an object for each lineage, an object that names the current
//! one, and a coordination key for the last recovery.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::env::Env;
use crate::log::format::{Head, Position, Reason, first_schema, is_first_schema};
use crate::objects::Envelope;
use crate::read_model::floors::Floors;

/// The last time that `head` was made from objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryRecord {
    pub at: Timestamp,
    /// The lineage that was recovered.
    pub lineage: Uuid,
    /// The last commit that objects proved; later ones are lost.
    pub position: Position,
    /// How many numbers were skipped in each counter, as lost commits may have given them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped_numbers: Option<u64>,
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
    /// The commit that its first one follows, of the lineage that it took the place of. Absent for
    /// a first boot, and in records of builds that did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Head>,
    pub reason: Reason,
    pub created: Timestamp,
    /// The version of the schema in which the cluster wrote when it began.
    #[serde(default = "first_schema", skip_serializing_if = "is_first_schema")]
    pub schema: u32,
    /// What counters gave out before. Absent if nothing, and in records of builds that did not
    /// write it.
    #[serde(default, skip_serializing_if = "Floors::is_empty")]
    pub floors: Floors,
}

impl LineageRecord {
    /// The end of the lineage that it took the place of; its commit may not be known.
    pub(crate) fn followed(&self) -> Option<(Uuid, Position, Option<Uuid>)> {
        match (self.follows, self.replaced, self.parent) {
            (Some(Head { lineage, position, commit }), _, _) => {
                Some((lineage, position, Some(commit)))
            }
            (None, None, Some(parent)) => Some((parent, self.fork, None)),
            // Where that one ended is not said.
            (None, Some(_), _) | (None, None, None) => None,
        }
    }

    /// A lineage that begins with nothing, under a coordination store of its own.
    pub(crate) fn first(env: &Env, lineage: Uuid, schema: u32) -> LineageRecord {
        LineageRecord {
            lineage,
            epoch: 0,
            identity: env.new_id(),
            parent: None,
            fork: 0,
            replaced: None,
            follows: None,
            reason: Reason::Bootstrap,
            created: env.now(),
            schema,
            floors: Floors::default(),
        }
    }
}

impl Envelope for LineageRecord {
    const FORMAT: &'static str = "drydock-lineage/1";
}
