//! Queries and bodies that only the gateway's routes take. Its answers hold the services' objects.

use std::borrow::Cow;

use drydock_http::api::page::CURSOR;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

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

/// The body of POST `/projects/{project}/runs`: one of `branch`, `tag` and `ref`, and a file.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub branch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub r#ref: Option<String>,
    /// The commit of which the file is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-fA-F]{7,64}$"))]
    pub commit_sha: Option<String>,
    /// The commit's message, of which the first line is shown with the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub definition: Definition,
    /// The run of the file that is to be started; by default the only one that is for the branch,
    /// tag or ref.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub run: Option<String>,
}

/// A file that defines runs: its text (YAML or JSON), or the same as an object.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Definition(Box<RawValue>);

impl Definition {
    /// The definition that is the text of a file.
    pub fn of_text(text: &str) -> Definition {
        Definition(serde_json::value::to_raw_value(text).expect("texts are JSON"))
    }

    /// The text of the file; `None` if it is neither a text nor an object.
    pub fn text(&self) -> Option<String> {
        let json = self.0.get();
        match json.chars().next() {
            Some('{') => Some(json.to_owned()),
            _ => serde_json::from_str(json).ok(),
        }
    }
}

impl JsonSchema for Definition {
    fn schema_name() -> Cow<'static, str> {
        "Definition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "object"] })
    }
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
