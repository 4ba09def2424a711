//! Our own headers, and the headers that are passed on to other services.

use http::{HeaderMap, HeaderName, HeaderValue};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The key that makes a creation repeatable.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is the one that an earlier request with the same key got.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The header that lowers the deadline of a request, in milliseconds.
pub const TIMEOUT_HEADER: &str = "drydock-timeout-ms";

/// The id of the instance to which another one forwards a request: no other may take it, and it is
/// never forwarded again.
pub(crate) const FORWARDED_TO: HeaderName = HeaderName::from_static("drydock-forwarded-to");
/// The address of the client of a forwarded request.
pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("drydock-forwarded-for");
/// The state of the instance that has handled a forwarded request.
pub(crate) const APPLIED: HeaderName = HeaderName::from_static("drydock-applied");
/// Says that a forwarded request was refused before anything was done for it.
pub(crate) const NOT_BEGUN: HeaderName = HeaderName::from_static("drydock-not-begun");

/// The id of a request, the same in all services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub(crate) HeaderValue);

impl RequestId {
    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("checked when it was taken")
    }
}

/// The ids of a request that are passed on to other services.
#[derive(Debug, Clone)]
pub struct Trace {
    pub request_id: RequestId,
    pub traceparent: Option<HeaderValue>,
}

impl Trace {
    /// Adds the headers that pass the ids on.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.request_id.0.clone());
        if let Some(traceparent) = &self.traceparent {
            headers.insert(TRACEPARENT, traceparent.clone());
        }
    }
}
