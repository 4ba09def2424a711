//! Bodies of the maintenance routes.

use std::time::Duration;

use drydock_core::log::format::{InstanceRecord, Mode, Position};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The body of GET and PUT `/maintenance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceStatus {
    pub mode: Mode,
    /// Counts the switches.
    pub generation: u64,
    /// When the mode was set; absent if it never was.
    pub since: Option<Timestamp>,
    pub requested_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether every live instance has acknowledged this generation.
    pub ready: bool,
    pub instances: Vec<InstanceRecord>,
    pub lineage: Option<Uuid>,
    /// The position of the newest commit.
    pub position: Position,
    pub last_recovery: Option<Recovery>,
}

/// The last time the service rebuilt its coordination keys from objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    pub at: Timestamp,
    pub lineage: Uuid,
    pub position: Position,
    pub reason: String,
}

/// What a request to switch the mode says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChange {
    pub mode: Mode,
    pub requested_by: String,
    pub reason: Option<String>,
    pub wait: Option<Duration>,
}
