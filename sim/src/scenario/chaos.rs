//! Load while things fail.

use super::Draw;
use super::swarm::{self, CLOCKS, COORDINATION, LINKS, OBJECTS, POINTS, PROCESSES, WATCHES};
use crate::plan::{OpKind, OperatorOp, Plan, Step};

pub fn load_with_faults(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 5);
    let mut plan = swarm::base(draw, configstores, 20_000);
    let kinds = [PROCESSES, LINKS, COORDINATION, WATCHES, OBJECTS, CLOCKS, POINTS];
    swarm::faults(draw, &mut plan, &kinds, 12, [1_000, 20_000]);
    if draw.chance(30) {
        maintenance(draw, &mut plan);
    }
    plan
}

/// A short maintenance somewhere in the load.
fn maintenance(draw: &mut Draw, plan: &mut Plan) {
    let at_ms = draw.number(2_000, 12_000);
    let actions = [
        (at_ms, OperatorOp::Maintenance { wait_ms: 3_000 }),
        (at_ms + 3_000, OperatorOp::Resume { wait_ms: 3_000 }),
    ];
    for (at_ms, action) in actions {
        let instance = draw.configstore(plan.topology.configstores());
        plan.operator.push(Step::new(at_ms, instance, action));
    }
}

pub fn export_under_load(draw: &mut Draw) -> Plan {
    let configstores = draw.count(2, 4);
    let mut plan = swarm::base(draw, configstores, 15_000);
    plan.workload.weights.insert(OpKind::Export, 3);
    for _ in 0..draw.count(2, 8) {
        let (at_ms, instance) = (draw.number(500, 14_000), draw.configstore(configstores));
        let action = OperatorOp::Export { keep: "any".to_owned() };
        plan.operator.push(Step::new(at_ms, instance, action));
    }
    plan.operator.sort_by_key(|step| step.at_ms);
    let kinds = [PROCESSES, LINKS, COORDINATION, WATCHES];
    swarm::faults(draw, &mut plan, &kinds, 6, [1_000, 15_000]);
    plan
}

pub fn feed_gap(draw: &mut Draw) -> Plan {
    let mut plan = swarm::base(draw, 3, 15_000);
    plan.workload.weights.insert(OpKind::GetUser, 4);
    swarm::faults(draw, &mut plan, &[WATCHES], 8, [1_000, 15_000]);
    swarm::faults(draw, &mut plan, &[WATCHES, COORDINATION], 3, [1_000, 15_000]);
    plan
}
