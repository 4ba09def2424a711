//! Bodies of the maintenance routes. What an instance says of itself, and what an import answers,
//! are the core's own types.

use std::time::Duration;

use drydock_core::lineage::Lineage;
use drydock_core::lineage::record::RecoveryRecord;
use drydock_core::log::format::{InstanceRecord, Mode, Position};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The body of GET and PUT `/maintenance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaintenanceStatus {
    pub mode: Mode,
    /// Counts the switches.
    pub generation: u64,
    /// When the mode was set; absent if it never was.
    pub since: Option<Timestamp>,
    pub requested_by: Option<String>,
    pub reason: Option<String>,
    /// Whether the service is in maintenance and every live instance has acknowledged that.
    pub ready: bool,
    pub instances: Vec<InstanceRecord>,
    /// Absent before the first boot.
    pub lineage: Option<Uuid>,
    /// The position of the newest commit.
    pub position: Option<Position>,
    /// The last time that the coordination store was lost or set back.
    pub last_recovery: Option<RecoveryRecord>,
}

/// The body of GET `/lineages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lineages {
    /// Oldest first; the number of those that are kept is a setting.
    pub items: Vec<Lineage>,
}

/// What a request to switch the mode says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChange {
    pub mode: Mode,
    pub requested_by: String,
    pub reason: Option<String>,
    pub wait: Option<Duration>,
}
