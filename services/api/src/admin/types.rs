//! Bodies and queries of the maintenance routes. The record of an instance and the report of an
//! import are the core's own types.

use std::time::Duration;

use drydock_core::lineage::Lineage;
use drydock_core::lineage::record::RecoveryRecord;
use drydock_core::log::format::{InstanceRecord, Mode, Position};
use http::HeaderName;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::refusals::InvalidWait;
use crate::names::PRINTABLE;

/// The greatest length of a reason, in characters.
pub const MAX_REASON_LENGTH: usize = 1024;
/// The media type of exports and imports.
pub const NDJSON: &str = "application/x-ndjson";
/// Another one of imports, whose bytes may be compressed. Tools that know no NDJSON know this one.
pub const OCTET_STREAM: &str = "application/octet-stream";
/// The greatest length of the name of a requester.
pub const MAX_REQUESTED_BY_LENGTH: usize = 128;
pub(super) const MAX_WAIT_SECONDS: u64 = 600;
/// The regular expression of a wait up to the maximum, in the usual forms.
const WAIT_PATTERN: &str = "^([1-9][0-9]{0,2}ms|[1-5]?[0-9]{1,2}s|600s|[0-9]m)$";
/// The header that names the requester of a switch; without it the requester is `internal`.
pub const REQUESTED_BY: HeaderName = HeaderName::from_static("x-requested-by");

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
    /// Whether the service is in maintenance and every live instance has acknowledged the mode.
    pub ready: bool,
    pub instances: Vec<InstanceRecord>,
    /// Absent before the first boot.
    pub lineage: Option<Uuid>,
    /// The position of the newest commit.
    pub position: Option<Position>,
    /// The last time that the coordination store was lost or set back.
    pub last_recovery: Option<RecoveryRecord>,
    /// The version of the schema in which the instances write: each of them reads it. Absent before
    /// the first boot.
    pub writes_schema: Option<u32>,
}

/// The body of GET `/lineages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lineages {
    /// Oldest first; a setting limits the number of lineages that are kept.
    pub items: Vec<Lineage>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchOn {
    #[schemars(length(max = MAX_REASON_LENGTH), regex(pattern = PRINTABLE))]
    pub reason: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitQuery {
    #[schemars(regex(pattern = WAIT_PATTERN))]
    wait: Option<String>,
}

impl WaitQuery {
    /// How long to wait, if at all.
    ///
    /// # Errors
    /// If the value is no duration, or one of more than ten minutes.
    pub fn wait(&self) -> Result<Option<Duration>, InvalidWait> {
        self.wait.as_deref().map(parse_wait).transpose()
    }
}

fn parse_wait(text: &str) -> Result<Duration, InvalidWait> {
    let parsed = text.parse::<jiff::SignedDuration>().map(Duration::try_from);
    let wait = parsed.ok().and_then(Result::ok);
    wait.filter(|wait| *wait <= Duration::from_secs(MAX_WAIT_SECONDS)).ok_or(InvalidWait)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportQuery {
    #[serde(default)]
    pub dry_run: bool,
}
