//! Spans of time as people write them: `90s`, `20m`, `3d`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
/// A year.
const MAX_MS: u64 = 365 * 86_400_000;

/// A number and a unit (`ms`, `s`, `m`, `h` or `d`); more than nothing, at most 365 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeSpan(u64);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a span of time is a number with `ms`, `s`, `m`, `h` or `d`, up to 365 days")]
pub struct InvalidTimeSpan;

impl TimeSpan {
    /// The span of so many milliseconds, at least one and at most 365 days.
    pub fn from_ms(ms: u64) -> TimeSpan {
        TimeSpan(ms.clamp(1, MAX_MS))
    }

    pub fn as_ms(self) -> u64 {
        self.0
    }

    pub fn as_duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl FromStr for TimeSpan {
    type Err = InvalidTimeSpan;

    fn from_str(text: &str) -> Result<TimeSpan, InvalidTimeSpan> {
        let end = text.find(|c: char| !c.is_ascii_digit()).ok_or(InvalidTimeSpan)?;
        let (number, unit) = text.split_at(end);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(InvalidTimeSpan)?;
        let ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
        match ms {
            Some(ms @ 1..=MAX_MS) => Ok(TimeSpan(ms)),
            _ => Err(InvalidTimeSpan),
        }
    }
}

impl fmt::Display for TimeSpan {
    /// In the largest unit that is exact.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS.iter().find(|(_, factor)| self.0.is_multiple_of(*factor));
        let (unit, factor) = exact.expect("every span is a number of milliseconds");
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl TryFrom<String> for TimeSpan {
    type Error = InvalidTimeSpan;

    fn try_from(text: String) -> Result<TimeSpan, InvalidTimeSpan> {
        text.parse()
    }
}

impl From<TimeSpan> for String {
    fn from(span: TimeSpan) -> String {
        span.to_string()
    }
}

impl JsonSchema for TimeSpan {
    fn schema_name() -> Cow<'static, str> {
        "TimeSpan".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(ms|s|m|h|d)$",
            "examples": ["90s", "20m", "3d"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        for (text, ms, written) in [
            ("90s", 90_000, "90s"),
            ("60s", 60_000, "1m"),
            ("20m", 1_200_000, "20m"),
            ("48h", 172_800_000, "2d"),
            ("1500ms", 1500, "1500ms"),
        ] {
            let span: TimeSpan = text.parse().unwrap();
            assert_eq!((span.as_ms(), &*span.to_string()), (ms, written), "{text}");
        }
        for text in ["", "5", "m", "-1m", "1 m", "0s", "366d", "1.5h", "9999999999999999999d"] {
            assert_eq!(text.parse::<TimeSpan>(), Err(InvalidTimeSpan), "{text}");
        }
    }
}
