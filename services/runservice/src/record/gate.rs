use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The lineage and the generation of the mode in which a commit was made. After maintenance, an
/// import or a recovery both name another era.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Era {
    pub lineage: Uuid,
    pub generation: u64,
}

/// The gate through which queued runs start after maintenance, a few at a time, and how far the
/// attempts of the time before are reconciled with what executors hold. It does not exist before
/// the first maintenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeGate {
    pub id: Uuid,
    /// The era that it was made for; in another one it is closed. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub era: Option<Era>,
    /// When the first commit of the era was made.
    pub since: Timestamp,
    /// Runs that may start in a minute.
    pub per_minute: u32,
    /// Runs that were started through the gate.
    pub taken: u64,
    /// Runs start as if there were no gate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opened: bool,
    /// Every attempt that has not ended is one of this era.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reconciled: bool,
    #[serde(default, skip_serializing_if = "Reconciled::is_nothing")]
    pub counts: Reconciled,
}

/// What became of attempts when they were reconciled, by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reconciled {
    /// They go on.
    pub adopted: u64,
    /// They had ended, and their results count.
    pub results_taken: u64,
    /// Their executors hold nothing of them.
    pub lost_in_restore: u64,
    /// Their executors were silent.
    pub executor_lost: u64,
    /// Executors hold them, and the state does not know them, or as others' or ended.
    pub unknown: u64,
}

impl Reconciled {
    fn is_nothing(&self) -> bool {
        *self == Reconciled::default()
    }
}

impl ResumeGate {
    /// A gate that was not passed yet.
    pub fn new(id: Uuid, era: Option<Era>, since: Timestamp, per_minute: u32) -> ResumeGate {
        ResumeGate {
            id,
            era,
            since,
            per_minute,
            taken: 0,
            opened: false,
            reconciled: false,
            counts: Reconciled::default(),
        }
    }
}
