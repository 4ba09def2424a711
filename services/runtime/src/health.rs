//! Readiness and metrics of one instance.

use std::sync::{Arc, Mutex};

use drydock_core::coord::Space;
use drydock_core::store::{Phase, Store};
use drydock_http::server::context::{Details, Health, LoadProgress, Readiness};
use drydock_http::server::gate::{Gate, GateState};
use drydock_http::server::metrics::HttpMetrics;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::instance::Instance;

/// A reason of the service itself why it is not ready, though its store is. Clones share it.
#[derive(Clone, Default)]
pub struct Concern(Arc<Mutex<Option<String>>>);

impl Concern {
    /// Takes the place of the reason before; answers whether it is another one.
    pub fn set(&self, reason: Option<String>) -> bool {
        let mut now = self.0.lock().expect("no holder panics");
        let changed = *now != reason;
        *now = reason;
        changed
    }

    fn get(&self) -> Option<String> {
        self.0.lock().expect("no holder panics").clone()
    }
}

/// What the health routes answer of an instance with a store, and its metrics.
pub(super) struct HealthState {
    gate: Gate,
    instance: Instance,
    store: Store,
    concern: Concern,
    registry: Registry,
}

impl HealthState {
    /// `register` adds the service's own metrics.
    pub(super) fn new(
        gate: Gate,
        instance: Instance,
        store: Store,
        concern: Concern,
        register: &mut dyn FnMut(&mut Registry),
    ) -> (HealthState, HttpMetrics) {
        let mut registry = Registry::default();
        let metrics = HttpMetrics::register(&mut registry);
        register(&mut registry);
        registry.register_collector(Box::new(StoreMetrics(store.clone())));
        let metrics_of = InstanceMetrics { gate: gate.clone(), instance: instance.clone() };
        registry.register_collector(Box::new(metrics_of));
        (HealthState { gate, instance, store, concern, registry }, metrics)
    }
}

impl HealthState {
    fn no_space(&self) -> Option<&'static str> {
        self.store.space()?.refusal()
    }
}

impl Health for HealthState {
    fn readiness(&self) -> Readiness {
        let state = self.gate.state();
        let no_space = self.no_space();
        let reason = match state {
            GateState::Stopping => Some("the service is stopping"),
            _ if no_space.is_some() => no_space,
            _ if self.store.is_model_full() => Some("the disk of the read model has no space left"),
            GateState::Loading => Some("the read model is being loaded"),
            GateState::Normal | GateState::Maintenance if !self.instance.is_connected() => {
                Some("the coordination store does not answer")
            }
            GateState::Normal | GateState::Maintenance => None,
        };
        let loading = state == GateState::Loading;
        let too_old = loading.then(|| self.store.too_old()).flatten();
        let reason = too_old.or(reason.map(str::to_owned)).or_else(|| self.concern.get());
        Readiness { ready: reason.is_none(), state, reason }
    }

    fn details(&self) -> Details {
        let applied = *self.store.applied().borrow();
        let (done, total) = self.store.progress().get();
        let loading = applied.phase == Phase::Loading;
        Details {
            position: applied.position(),
            load: loading.then_some(LoadProgress { done, total }),
            connected: self.instance.is_connected(),
        }
    }

    fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// The store's counters and gauges, read at each request for metrics.
#[derive(Clone)]
struct StoreMetrics(Store);

impl std::fmt::Debug for StoreMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreMetrics")
    }
}

impl Collector for StoreMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, count) in self.0.stats().list() {
            let counter = ConstCounter::new(count);
            let name = format!("drydock_store_{name}");
            let help = "Counted since the instance started";
            let metric = encoder.encode_descriptor(&name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        let applied = *self.0.applied().borrow();
        let position = applied.position().and_then(|at| i64::try_from(at).ok()).unwrap_or(-1);
        let (done, total) = self.0.progress().get();
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let archived = self.0.archived().and_then(|at| i64::try_from(at).ok()).unwrap_or(-1);
        let (writes, reads) = self.0.waiting();
        let queued = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        if let Some(space) = self.0.space() {
            encode(&mut encoder, &space_gauges(&space))?;
        }
        let gauges = [
            ("drydock_store_archived", "Newest commit in object storage, -1 for none", archived),
            ("drydock_store_writes_waiting", "Writes that wait for the committer", queued(writes)),
            (
                "drydock_store_reads_waiting",
                "Reads that wait for the head to be read",
                queued(reads),
            ),
            ("drydock_store_exports", "Exports under way", queued(self.0.exports())),
            (
                "drydock_store_wal_bytes",
                "Bytes of the read model's write-ahead log",
                signed(self.0.wal_bytes()),
            ),
            (
                "drydock_store_model_full",
                "Whether the read model's disk has no room for a commit of the log",
                i64::from(self.0.is_model_full()),
            ),
            (
                "drydock_store_deletions_waiting",
                "Deleted subtrees and owners whose objects are still being deleted",
                signed(self.0.deletions_waiting()),
            ),
            (
                "drydock_schema_version",
                "The newest version of the schema that the instance reads",
                i64::from(self.0.schema().version),
            ),
            (
                "drydock_schema_writes",
                "The version of the schema in which the instance writes",
                i64::from(self.0.writes_version()),
            ),
            ("drydock_store_load_done", "Items loaded in the last loading step", signed(done)),
            ("drydock_store_load_total", "Items of the last loading step", signed(total)),
            ("drydock_store_position", "Newest commit in the read model, -1 for none", position),
            (
                "drydock_store_ready",
                "Whether the read model is loaded",
                i64::from(applied.phase == Phase::Ready),
            ),
        ];
        encode(&mut encoder, &gauges)
    }
}

fn space_gauges(space: &Space) -> [(&'static str, &'static str, i64); 4] {
    let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    [
        (
            "drydock_coordination_used_bytes",
            "Bytes of keys and history in the coordination store",
            signed(space.used_bytes),
        ),
        (
            "drydock_coordination_file_bytes",
            "Bytes of the coordination store's file",
            signed(space.file_bytes),
        ),
        (
            "drydock_coordination_quota_bytes",
            "Size of the file beyond which the coordination store refuses writes",
            signed(space.quota_bytes),
        ),
        (
            "drydock_coordination_full",
            "Whether writes are refused for want of space in the coordination store",
            i64::from(space.refusal().is_some()),
        ),
    ]
}

/// The instance's mode and its connection to the coordination store.
struct InstanceMetrics {
    gate: Gate,
    instance: Instance,
}

impl std::fmt::Debug for InstanceMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InstanceMetrics")
    }
}

impl Collector for InstanceMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let maintenance = i64::from(self.gate.state() == GateState::Maintenance);
        let connected = i64::from(self.instance.is_connected());
        let gauges = [
            ("drydock_maintenance", "Whether the instance serves maintenance only", maintenance),
            (
                "drydock_coordination_connected",
                "Whether the coordination store has answered within the lease's time to live",
                connected,
            ),
        ];
        encode(&mut encoder, &gauges)
    }
}

fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    gauges: &[(&str, &str, i64)],
) -> Result<(), std::fmt::Error> {
    for (name, help, value) in gauges {
        let gauge = ConstGauge::new(*value);
        let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
        gauge.encode(metric)?;
    }
    Ok(())
}
