//! One process that keeps its data itself, and dies at bad moments.

use super::Draw;
use super::swarm::{self, CLOCKS, LINKS, POINTS, PROCESSES};
use crate::plan::fault::{Fault, ProcessFault};
use crate::plan::{Fidelity, InstanceId, Plan};

const LOAD_MS: u64 = 20_000;

pub fn crashes(draw: &mut Draw) -> Plan {
    let mut plan = swarm::base(draw, 1, LOAD_MS);
    plan.fidelity = Fidelity::Embedded;
    for _ in 0..draw.count(1, 4) {
        let at_ms = draw.number(100, LOAD_MS - 5_000);
        // A commit is a few writes: within one, and between two.
        let what = ProcessFault::PowerCut {
            instance: InstanceId::configstore(1),
            writes: draw.number(1, 60),
        }
        .into();
        plan.faults.push(Fault { at_ms, for_ms: draw.number(100, 3_000), what });
    }
    swarm::faults(draw, &mut plan, &[PROCESSES, LINKS, POINTS, CLOCKS], 5, [1_000, LOAD_MS]);
    plan
}
