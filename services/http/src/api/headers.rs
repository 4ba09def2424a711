//! Headers of our own, and those that calls to other services pass on.

use http::{HeaderMap, HeaderName, HeaderValue};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Makes a creation repeatable.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Lowers the deadline of a request, in milliseconds.
pub const TIMEOUT_HEADER: &str = "drydock-timeout-ms";

/// Names a request through all services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub(crate) HeaderValue);

impl RequestId {
    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("checked when it was taken")
    }
}

/// What calls to other services pass on.
#[derive(Debug, Clone)]
pub struct Trace {
    pub request_id: RequestId,
    pub traceparent: Option<HeaderValue>,
}

impl Trace {
    /// Adds the headers that pass it on.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.request_id.0.clone());
        if let Some(traceparent) = &self.traceparent {
            headers.insert(TRACEPARENT, traceparent.clone());
        }
    }
}
