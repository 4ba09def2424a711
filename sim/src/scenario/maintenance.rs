//! Maintenance as a barrier across instances.

use drydock_harness::fault::PointAct;

use super::swarm::{self, COORDINATION, LINKS, PROCESSES, WATCHES};
use super::{Draw, gateway};
use crate::plan::fault::{CoordinationFault, Fault, ProcessFault, WatchFault};
use crate::plan::{InstanceId, OperatorOp, Plan, Service, Step};

pub fn under_load(draw: &mut Draw) -> Plan {
    let mut plan = swarm::base(draw, 3, 24_000);
    let away = draw.configstore(3);
    let others: Vec<InstanceId> =
        plan.topology.ids(Service::Configstore).filter(|instance| *instance != away).collect();
    let cut_ms = draw.number(1_500, 4_000);
    plan.faults.push(Fault {
        at_ms: cut_ms,
        for_ms: draw.number(1_000, 12_000),
        what: CoordinationFault::Cut { instance: away }.into(),
    });
    let mut at_ms = draw.number(1_000, 4_500);
    for _ in 0..draw.count(1, 2) {
        if draw.chance(60) {
            // Somebody learns of it late, and goes on meanwhile.
            let lag_ms = draw.number(500, 4_000);
            plan.faults.push(Fault {
                at_ms: at_ms - draw.number(0, 900),
                for_ms: lag_ms,
                what: WatchFault::Lag { instance: draw.pick(&others), lag_ms }.into(),
            });
        }
        let mut step = |at_ms, action| {
            let instance = draw.pick(&others);
            plan.operator.push(Step::new(at_ms, instance, action));
        };
        step(at_ms, OperatorOp::Maintenance { wait_ms: 8_000 });
        let keep = "during".to_owned();
        step(at_ms, OperatorOp::Export { keep });
        step(at_ms + 1_500, OperatorOp::Resume { wait_ms: 5_000 });
        at_ms += draw.number(7_000, 12_000);
    }
    let kinds = [PROCESSES, LINKS, COORDINATION, WATCHES];
    if draw.chance(60) {
        swarm::faults(draw, &mut plan, &kinds, 4, [1_000, 24_000]);
    }
    plan
}

/// Clients begin only after the mode was switched, there and back.
const FROM_MS: u64 = 9_000;
const BOOTSTRAP: [&str; 2] = ["bootstrap.before_current", "bootstrap.before_head"];

pub fn when_empty(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 3);
    let mut plan = swarm::base(draw, configstores, FROM_MS + 6_000);
    if draw.chance(30) {
        gateway::enter(draw, &mut plan);
    }
    plan.workload.from_ms = FROM_MS;
    begin_late(draw, &mut plan);
    let mut at_ms = draw.number(0, 3_000);
    let empty = || "empty".to_owned();
    let mut then = |draw: &mut Draw, after_ms: u64, action| {
        let instance = draw.configstore(configstores);
        let gateways = plan.topology.gateways;
        let gateway = (gateways > 0 && draw.chance(50)).then(|| draw.count(1, gateways));
        at_ms += after_ms;
        plan.operator.push(Step { at_ms, instance, gateway, action });
    };
    then(draw, 0, OperatorOp::Maintenance { wait_ms: 5_000 });
    then(draw, 0, OperatorOp::Export { keep: empty() });
    if draw.chance(70) {
        then(draw, 100, OperatorOp::Import { from: empty(), damage: None, dry_run: false });
        then(draw, 100, OperatorOp::Export { keep: "after".to_owned() });
    }
    // Instances that start meanwhile find the mode, and nothing else.
    let after_ms = draw.number(100, 2_000);
    then(draw, after_ms, OperatorOp::Resume { wait_ms: 3_000 });
    if draw.chance(50) {
        then(draw, 100, OperatorOp::Maintenance { wait_ms: 2_000 });
        then(draw, 500, OperatorOp::Resume { wait_ms: 2_000 });
    }
    if draw.chance(40) {
        swarm::faults(draw, &mut plan, &[COORDINATION, WATCHES], 3, [500, FROM_MS]);
    }
    plan
}

/// Instances begin one after the other, some of them in the middle of the first writes of all.
fn begin_late(draw: &mut Draw, plan: &mut Plan) {
    let mut late = false;
    for instance in plan.topology.ids(Service::Configstore) {
        if draw.chance(60) {
            late = true;
            let for_ms = draw.number(100, 6_000);
            plan.faults.push(Fault {
                at_ms: 0,
                for_ms,
                what: ProcessFault::Kill { instance }.into(),
            });
        }
        if draw.chance(60) {
            let (point, act) =
                (draw.pick(&BOOTSTRAP), draw.pick(&[PointAct::Delay, PointAct::Kill]));
            let what =
                ProcessFault::Point { instance, point: point.to_owned(), occurrence: 1, act }
                    .into();
            plan.faults.push(Fault { at_ms: 0, for_ms: draw.number(200, 4_000), what });
        }
    }
    if !late {
        let instance = draw.configstore(plan.topology.configstores());
        let for_ms = draw.number(100, 6_000);
        plan.faults.push(Fault { at_ms: 0, for_ms, what: ProcessFault::Kill { instance }.into() });
    }
}
