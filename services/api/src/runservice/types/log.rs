//! Logs of attempts.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The state of a log, in answers: one of [`LogState`](super::LogState).
pub const LOG_STATE: http::HeaderName = http::HeaderName::from_static("drydock-log-state");
/// The media type of a piece of a log that an executor sends.
pub const LOG_BYTES: &str = "application/octet-stream";
/// The media type of a log that is read.
pub const LOG_TEXT: &str = "text/plain; charset=utf-8";
/// The greatest log of one step, in bytes.
pub const MAX_LOG_BYTES: u64 = 64 << 20;
/// The number of steps that have a log, at most.
const MAX_STEPS: u16 = 998;

/// Which log of an attempt: that of what comes before the steps, or that of a step from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum LogStep {
    Setup,
    Step(u16),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a log is that of `setup`, or of the number of a step")]
pub struct InvalidLogStep;

impl LogStep {
    const SETUP: &str = "setup";

    /// From 0 for what comes before the first step.
    pub fn place(self) -> u16 {
        match self {
            LogStep::Setup => 0,
            LogStep::Step(number) => number + 1,
        }
    }
}

impl fmt::Display for LogStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogStep::Setup => f.write_str(Self::SETUP),
            LogStep::Step(number) => number.fmt(f),
        }
    }
}

impl FromStr for LogStep {
    type Err = InvalidLogStep;

    fn from_str(text: &str) -> Result<LogStep, InvalidLogStep> {
        if text == Self::SETUP {
            return Ok(LogStep::Setup);
        }
        let number: u16 = text.parse().map_err(|_| InvalidLogStep)?;
        let usual = number <= MAX_STEPS && number.to_string() == text;
        if usual { Ok(LogStep::Step(number)) } else { Err(InvalidLogStep) }
    }
}

impl From<LogStep> for String {
    fn from(step: LogStep) -> String {
        step.to_string()
    }
}

impl TryFrom<String> for LogStep {
    type Error = InvalidLogStep;

    fn try_from(text: String) -> Result<LogStep, InvalidLogStep> {
        text.parse()
    }
}

impl JsonSchema for LogStep {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LogStep".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(setup|0|[1-9][0-9]{0,2})$" })
    }
}

/// The query of PUT `…/logs/{step}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppendQuery {
    /// The place of the piece in the log, in bytes.
    pub offset: u64,
}

/// How much of a log the service has. A piece that begins after `received` is not taken: the
/// executor goes on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Appended {
    /// The bytes that this instance has, some in memory only.
    pub received: u64,
    /// The bytes that outlive every instance.
    pub stored: u64,
    /// When the next piece is welcome, in milliseconds.
    pub next_after_ms: u64,
}

/// The query of GET `…/logs/{step}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// The number of the attempt in its task; by default the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Where to begin, in bytes; below zero, from the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// Goes on with what is written later, until the log is complete.
    #[serde(default)]
    pub follow: bool,
}

/// The query of DELETE `…/logs/{step}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogAttemptQuery {
    /// The number of the attempt in its task; by default the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_one_name() {
        for (text, expected) in [
            ("setup", Some(LogStep::Setup)),
            ("0", Some(LogStep::Step(0))),
            ("17", Some(LogStep::Step(17))),
            ("01", None),
            ("-1", None),
            ("99999", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
        assert_eq!(LogStep::Step(0).place(), 1);
    }
}
