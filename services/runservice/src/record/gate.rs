use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The gate through which queued runs start after maintenance, a few at a time. While it does not
/// exist, it is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeGate {
    pub id: Uuid,
    /// When the first commit after maintenance was made.
    pub since: Timestamp,
    /// Runs that may start in a minute.
    pub per_minute: u32,
    /// Runs that were started through the gate.
    pub taken: u64,
}
