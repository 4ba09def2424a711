use serde::{Deserialize, Serialize};

use super::InstanceId;

/// One step of the operator. Steps run one after the other, none before its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub at_ms: u64,
    /// The instance asked.
    pub instance: InstanceId,
    /// The gateway asked instead, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<usize>,
    pub action: OperatorOp,
}

impl Step {
    /// A step at an instance.
    pub fn new(at_ms: u64, instance: InstanceId, action: OperatorOp) -> Step {
        Step { at_ms, instance, gateway: None, action }
    }
}

/// An instance is stopped, and from then on one of the next version starts in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    pub at_ms: u64,
    /// One of configstore.
    pub instance: InstanceId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OperatorOp {
    /// Sets maintenance and asks until it is ready, for `wait_ms` at most.
    Maintenance { wait_ms: u64 },
    /// Ends maintenance; asks until that is confirmed, for `wait_ms` at most.
    Resume { wait_ms: u64 },
    /// Exports, and keeps the stream under a name.
    Export { keep: String },
    /// Imports a kept export.
    Import {
        from: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        damage: Option<Damage>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        dry_run: bool,
    },
    /// Goes back to the lineage of a kept export, if that export is its last state.
    GoBack { to: String },
}

/// What happens to a stream before it is imported: each must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// The trailer is gone.
    NoTrailer,
    /// It ends in the middle.
    Half,
    /// One object line is there twice.
    Doubled,
    /// One object line is gone.
    Dropped,
    /// One letter of an object differs.
    Flipped,
    /// It belongs to another service.
    Foreign,
    /// It holds an object of a type nobody knows.
    UnknownType,
}

impl Damage {
    pub const ALL: &[Damage] = &[
        Damage::NoTrailer,
        Damage::Half,
        Damage::Doubled,
        Damage::Dropped,
        Damage::Flipped,
        Damage::Foreign,
        Damage::UnknownType,
    ];
}
