//! An etcd with little space.

use super::Draw;
use super::losses::hurry;
use super::swarm::{self, COORDINATION, PROCESSES, WATCHES};
use crate::plan::{Fidelity, Plan};

/// Clients write several times as much as the quota. At fidelity `direct` nothing bounds the
/// coordination store; what is compacted then is checked all the same.
pub fn small_quota(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 3);
    let mut plan = swarm::base(draw, configstores, 25_000);
    hurry(draw, &mut plan);
    plan.fidelity = Fidelity::Wire;
    plan.topology.etcd_members = draw.pick(&[1, 3]);
    plan.topology.etcd_quota_bytes = draw.count(200, 500) << 10;
    plan.tick_ms = plan.tick_ms.max(super::wire::LEAST_TICK_MS);
    let tasks = &mut plan.settings.tasks;
    tasks.compact_period_ms = draw.number(500, 1_500);
    tasks.history_revisions = draw.pick(&[0, 20, 50]);
    tasks.window_commits = draw.pick(&[0, 5, 20]);
    plan.workload.pause_ms = [2, 20];
    swarm::faults(draw, &mut plan, &[PROCESSES, COORDINATION, WATCHES], 3, [1_000, 25_000]);
    plan
}
