//! Bodies of the maintenance and import routes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaintenanceMode {
    Normal,
    Maintenance,
}

/// The body of GET and PUT `/maintenance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceStatus {
    pub mode: MaintenanceMode,
    /// Counts the switches.
    pub generation: u64,
    /// When the mode was set; absent if it never was.
    pub since: Option<Timestamp>,
    pub requested_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether every live instance has acknowledged this generation.
    pub ready: bool,
    pub instances: Vec<InstanceStatus>,
    pub lineage: Option<String>,
    /// The position of the newest commit.
    pub position: u64,
    pub last_recovery: Option<Recovery>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStatus {
    pub id: String,
    pub version: String,
    pub address: String,
    pub state: InstanceState,
    /// The newest generation it acknowledged.
    pub generation: u64,
    /// The position it has applied.
    pub position: u64,
    pub seen_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    Loading,
    Normal,
    /// Has seen the switch and still finishes requests.
    Draining,
    Maintenance,
    Stopping,
}

/// The last time the service rebuilt its coordination keys from objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    pub at: Timestamp,
    pub lineage: String,
    pub position: u64,
    pub reason: String,
}

/// What a request to switch the mode says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChange {
    pub mode: MaintenanceMode,
    pub requested_by: String,
    pub reason: Option<String>,
    pub wait: Option<Duration>,
}

/// What an import did, or, as a dry run, would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// The lineage now in force; of a dry run, none.
    pub lineage: Option<String>,
    pub position: u64,
    /// Objects by type.
    pub counts: BTreeMap<String, u64>,
    /// Over the object lines.
    pub digest: String,
}
