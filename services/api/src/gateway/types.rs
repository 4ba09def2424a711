//! Queries and bodies that only the gateway's routes take. Its answers hold the services' objects.

use drydock_http::api::page::CURSOR;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::runservice::types::{MAX_TEXT, Phase, RestartFrom, RunResult};

/// The media type of a badge.
pub const SVG: &str = "image/svg+xml";

/// The query of GET `/projects/{project}/runs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectRunsQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    #[schemars(with = "Option<u32>", range(min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    #[schemars(regex(pattern = CURSOR))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[schemars(extend("enum" = ["asc", "desc"]))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// The query of GET `/projects/{project}/runs/events`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectEventsQuery {
    /// The cursor after which the answer begins: a `next`, or the id of an event of the stream. By
    /// default it begins with the oldest event that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The query of GET `/projects/{project}/badge.svg`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BadgeQuery {
    /// The branch whose last finished run is shown; by default the project's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// The body of POST `/projects/{project}/runs/{number}/restart`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestartRun {
    pub from: RestartFrom,
}

/// The body of POST `…/tasks/{task}/approve` and `/refuse`. The approver is the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskDecision {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub comment: Option<String>,
}
