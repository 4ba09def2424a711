//! Every bound of the HTTP server, in one place.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Bounds of one instance's HTTP server. Durations read as `10s` or `1m 30s`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// Connections open at once. One more takes the place of that which has waited for a request
    /// longest, or waits while all have one.
    pub max_connections: usize,
    /// Requests handled at once; more are answered with 429.
    pub max_concurrent_requests: usize,
    /// Bytes of a request's head.
    pub max_header_bytes: usize,
    /// Bytes of a request's body, where the route does not stream it; more are answered with 413.
    pub max_body_bytes: usize,
    /// From a connection's first byte, or the last answer, to the end of the next request's head.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub header_timeout: Duration,
    /// A request's deadline, which `Drydock-Timeout-Ms` lowers.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub request_timeout: Duration,
    /// How long a streamed request body, or the reader of an answer, may stand still.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub idle_timeout: Duration,
    /// How long open requests may go on when the server stops.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub drain_timeout: Duration,
}

impl Default for HttpSettings {
    fn default() -> HttpSettings {
        HttpSettings {
            max_connections: 1024,
            max_concurrent_requests: 512,
            max_header_bytes: 16 * 1024,
            max_body_bytes: 1024 * 1024,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(10),
        }
    }
}
