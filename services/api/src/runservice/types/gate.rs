use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The gate through which queued runs start after maintenance, an import or a recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResumeGateView {
    /// Queued runs start as soon as their groups let them.
    pub open: bool,
    /// When the first commit after maintenance was made; absent before the first maintenance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The number of runs that may start in a minute while the gate is not open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u32>,
    /// The number of runs that have started through the gate.
    pub taken: u64,
    pub reconciliation: ReconciliationView,
}

/// How far the attempts of the time before are compared with what executors hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReconciliationView {
    /// Executors get tasks again.
    pub done: bool,
    /// The number of attempts of which nothing is known yet.
    pub left: u64,
    /// The number of attempts that go on.
    pub adopted: u64,
    /// The number of attempts that had ended, and whose results count.
    pub results_taken: u64,
    /// The number of attempts of which their executors hold nothing.
    pub lost_in_restore: u64,
    /// The number of attempts whose executors were silent.
    pub executor_lost: u64,
    /// The number of attempts that executors held, and had to end: nothing is known of them here.
    pub unknown: u64,
}
