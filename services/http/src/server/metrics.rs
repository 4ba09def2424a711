//! Request metrics. Each instance has a registry of its own: simulated hosts share a process.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 10.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ForwardedLabels {
    outcome: &'static str,
}

/// Requests by route and status. Clones count together.
#[derive(Clone)]
pub struct HttpMetrics {
    requests: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    forwarded: Family<ForwardedLabels, Counter>,
}

/// Counts one request until it is answered or given up.
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl HttpMetrics {
    pub fn register(registry: &mut Registry) -> HttpMetrics {
        let durations: fn() -> Histogram = || Histogram::new(BUCKETS);
        let metrics = HttpMetrics {
            requests: Family::default(),
            durations: Family::new_with_constructor(durations),
            in_flight: Gauge::default(),
            forwarded: Family::default(),
        };
        registry.register(
            "drydock_http_requests",
            "HTTP requests answered",
            metrics.requests.clone(),
        );
        registry.register(
            "drydock_http_request_duration_seconds",
            "Time from a request's head to its answer's head",
            metrics.durations.clone(),
        );
        registry.register(
            "drydock_http_requests_in_flight",
            "HTTP requests that are not answered yet",
            metrics.in_flight.clone(),
        );
        registry.register(
            "drydock_http_forwarded_requests",
            "Requests forwarded to the instance that commits, by what came of it",
            metrics.forwarded.clone(),
        );
        metrics
    }

    /// Counts a request that begins.
    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts a request that was sent to another instance: `answered`, `not_begun` or `unknown`.
    pub(crate) fn forwarded(&self, outcome: &'static str) {
        self.forwarded.get_or_create(&ForwardedLabels { outcome }).inc();
    }

    /// `route` is the pattern, never the path: labels are bounded, whatever clients send.
    pub(crate) fn record(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let labels = Labels {
            method: known(method).to_owned(),
            route: route.to_owned(),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
        let durations = self.durations.get_or_create(&labels);
        durations.observe(took.as_secs_f64());
    }
}

fn known(method: &Method) -> &str {
    const KNOWN: [Method; 5] =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE];
    if KNOWN.contains(method) { method.as_str() } else { "other" }
}
