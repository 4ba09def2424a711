use std::collections::BTreeMap;

use drydock_sim_s3::ConditionalWrites;
use serde::{Deserialize, Serialize};

use super::Service;

/// Which hosts there are, and how far from each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Topology {
    /// Instances of each service, one field a service: a field that names none is refused.
    #[serde(flatten)]
    pub instances: BTreeMap<Service, usize>,
    /// Gateways in front of them; with any, clients are people who use these.
    #[serde(default, skip_serializing_if = "is_none")]
    pub gateways: usize,
    pub clients: usize,
    /// Those who make runs, stop them and look at them.
    #[serde(default, skip_serializing_if = "is_none")]
    pub pushers: usize,
    /// Executors, each on a machine of its own.
    #[serde(default, skip_serializing_if = "is_none")]
    pub executors: usize,
    /// Least and greatest latency of a message between two hosts.
    pub latency_ms: [u64; 2],
    /// Least and greatest time of one way to coordination or to objects.
    pub storage_ms: [u64; 2],
    /// Members of etcd, at fidelity `wire`.
    #[serde(default = "one")]
    pub etcd_members: usize,
    /// The space that etcd has, at fidelity `wire`; 0: its default.
    #[serde(default, skip_serializing_if = "is_none")]
    pub etcd_quota_bytes: usize,
    /// Listings of objects show what was there so long ago, at fidelity `wire`.
    #[serde(default)]
    pub listing_lag_ms: u64,
    /// What the object store makes of conditions on writes, at fidelity `wire`.
    #[serde(default)]
    pub conditional_writes: ConditionalWrites,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

fn one() -> usize {
    1
}
