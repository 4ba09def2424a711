use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Group, Phase, ProjectId, RunId, RunResult};

/// The media type of a stream of events.
pub const EVENT_STREAM: &str = "text/event-stream";
/// The header in which an EventSource gives back the id of the last event that it got.
pub const LAST_EVENT_ID: http::HeaderName = http::HeaderName::from_static("last-event-id");

/// A change of a run's phase or result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunEventView {
    /// One more than that of the event before it.
    pub seq: u64,
    pub run: RunId,
    pub project: ProjectId,
    pub number: u64,
    pub group: Group,
    pub phase: Phase,
    pub result: RunResult,
    pub at: Timestamp,
}

/// The query of GET `/runs/events`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    /// The cursor after which the answer begins: a `next`, or the id of an event of the stream. By
    /// default it begins with the oldest event that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Only changes of runs of this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
}

/// Events in the order in which they were committed, none missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    pub items: Vec<RunEventView>,
    /// The cursor after the last of them: to be given back as `from`.
    pub next: String,
}
