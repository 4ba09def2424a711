//! Two versions of the schema side by side: instances are replaced one after the other by ones that
//! read one version more.

use drydock_harness::fault::PointAct;

use super::Draw;
use super::losses::hurry;
use super::swarm::{self, COORDINATION, LINKS, OBJECTS, PROCESSES, WATCHES};
use crate::plan::fault::{CoordinationFault, Fault, ProcessFault};
use crate::plan::{InstanceId, OpKind, OperatorOp, Plan, Service, Step, Upgrade};

const LOAD_MS: u64 = 24_000;
const WAIT_MS: u64 = 8_000;

pub fn rolling(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 4);
    let mut plan = swarm::base(draw, configstores, LOAD_MS);
    hurry(draw, &mut plan);
    plan.workload.weights.insert(OpKind::RenameUser, 2);
    let instances = roll(draw, &mut plan);
    let last = instances.last().copied().unwrap_or_else(|| InstanceId::configstore(1));
    if draw.chance(50) {
        import(draw, &mut plan, last);
    }
    if draw.chance(30) {
        // The key is gone with the store: what is written then is read off objects.
        let at_ms = draw.number(4_000, 18_000);
        let what = match draw.chance(50) {
            true => CoordinationFault::Lost {}.into(),
            false => CoordinationFault::SetBack { age_ms: draw.number(500, 4_000) }.into(),
        };
        plan.faults.push(Fault { at_ms, for_ms: draw.number(50, 500), what });
    }
    if draw.chance(50) {
        let (instance, point) = (draw.pick(&instances), draw.pick(&POINTS));
        let act = draw.pick(&[PointAct::Kill, PointAct::Delay, PointAct::Fail]);
        let point = point.to_owned();
        let what = ProcessFault::Point { instance, point, occurrence: 1, act }.into();
        plan.faults.push(Fault { at_ms: 4_000, for_ms: draw.number(100, 3_000), what });
    }
    let kinds = [PROCESSES, LINKS, COORDINATION, OBJECTS, WATCHES];
    swarm::faults(draw, &mut plan, &kinds, 6, [1_000, LOAD_MS]);
    plan
}

const POINTS: [&str; 2] = ["upgrade.after_raise", "upgrade.before_raise"];

/// Replaces every instance, one after the other; answers their order.
pub fn roll(draw: &mut Draw, plan: &mut Plan) -> Vec<InstanceId> {
    let mut left: Vec<InstanceId> = plan.topology.ids(Service::Configstore).collect();
    let mut order = Vec::new();
    let mut at_ms = draw.number(3_000, 6_000);
    while !left.is_empty() {
        let instance = left.swap_remove(draw.count(0, left.len() - 1));
        plan.upgrades.push(Upgrade { at_ms, instance });
        at_ms += draw.number(200, 4_000);
        order.push(instance);
    }
    order
}

/// What was exported before the upgrade, or in the middle of it, is imported after it.
fn import(draw: &mut Draw, plan: &mut Plan, instance: InstanceId) {
    let mut step = |at_ms, action| plan.operator.push(Step::new(at_ms, instance, action));
    let keep = || "old".to_owned();
    step(draw.number(1_500, 7_000), OperatorOp::Export { keep: keep() });
    step(draw.number(9_000, 16_000), OperatorOp::Maintenance { wait_ms: WAIT_MS });
    let (from, damage) = (keep(), None);
    step(16_000, OperatorOp::Import { from, damage, dry_run: false });
    step(16_100, OperatorOp::Export { keep: "after".to_owned() });
    step(16_200, OperatorOp::Resume { wait_ms: WAIT_MS });
}
