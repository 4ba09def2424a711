//! What one instance has done with logs, and holds of them.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Clones count together.
#[derive(Clone, Default)]
pub struct LogMetrics {
    /// Bytes of pieces that were taken.
    pub received_bytes: Counter<u64, AtomicU64>,
    /// Bytes of logs that are to stay.
    pub sealed_bytes: Counter<u64, AtomicU64>,
    /// Attempts whose logs lack something for good.
    pub incomplete: Counter<u64, AtomicU64>,
    /// Attempts whose logs were kept for long enough.
    pub expired: Counter<u64, AtomicU64>,
    /// Bytes that are not in object storage yet.
    pub held_bytes: Gauge,
}

impl LogMetrics {
    pub fn register(&self, registry: &mut Registry) {
        let LogMetrics { received_bytes, sealed_bytes, incomplete, expired, held_bytes } = self;
        for (name, help, counter) in [
            ("received_bytes", "Bytes of logs that executors sent", received_bytes),
            ("sealed_bytes", "Bytes of logs that were sealed", sealed_bytes),
            ("incomplete", "Attempts whose logs were sealed with a part missing", incomplete),
            ("expired", "Attempts whose logs were deleted after the retention", expired),
        ] {
            registry.register(format!("drydock_logs_{name}"), help, counter.clone());
        }
        let help = "Bytes of logs in memory that are not stored yet";
        registry.register("drydock_logs_held_bytes", help, held_bytes.clone());
    }
}
