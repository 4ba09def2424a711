//! People at gateways, and operators who work through them.

use std::collections::BTreeMap;

use super::Draw;
use super::swarm::{self, COORDINATION, OBJECTS, PROCESSES, WATCHES};
use crate::plan::fault::{Fault, FaultKind, LinkFault, ProcessFault};
use crate::plan::hosts::{OPERATOR, client_name, gateway_name};
use crate::plan::{Damage, GatewayOp, OperatorOp, Plan, Service, Step};

const LOAD_MS: u64 = 15_000;
/// For maintenance to be ready, and to end.
const WAIT_MS: u64 = 3_000;

/// What is done, and how often in percent of the plans.
const OPS: [(GatewayOp, u32); 22] = [
    (GatewayOp::MakeToken, 80),
    (GatewayOp::DropToken, 80),
    (GatewayOp::RenameUser, 40),
    (GatewayOp::SetAdmin, 40),
    (GatewayOp::DeleteUser, 30),
    (GatewayOp::CreateOrg, 100),
    (GatewayOp::RenameOrg, 40),
    (GatewayOp::DeleteOrg, 40),
    (GatewayOp::SetRole, 100),
    (GatewayOp::RemoveMember, 80),
    (GatewayOp::CreateGroup, 100),
    (GatewayOp::RenameGroup, 50),
    (GatewayOp::MoveGroup, 80),
    (GatewayOp::DeleteGroup, 40),
    (GatewayOp::CreateProject, 100),
    (GatewayOp::RenameProject, 50),
    (GatewayOp::ChangeProject, 80),
    (GatewayOp::DeleteProject, 40),
    (GatewayOp::GetProject, 80),
    (GatewayOp::ListProjects, 60),
    (GatewayOp::CreateSecret, 60),
    (GatewayOp::ListSecrets, 60),
];

pub fn people(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 3);
    let mut plan = swarm::base(draw, configstores, LOAD_MS);
    enter(draw, &mut plan);
    let kinds = [PROCESSES, COORDINATION, WATCHES, OBJECTS];
    swarm::faults(draw, &mut plan, &kinds, 4, [1_000, LOAD_MS]);
    fronts(draw, &mut plan);
    between(draw, &mut plan);
    if draw.chance(60) {
        operator(draw, &mut plan);
    }
    plan
}

/// Makes people of the plan's clients, and puts gateways before its instances.
pub fn enter(draw: &mut Draw, plan: &mut Plan) {
    plan.topology.gateways = draw.count(1, 3);
    plan.topology.clients = draw.count(3, 6);
    plan.workload.orgs = draw.count(1, 3);
    plan.workload.weights = BTreeMap::new();
    for (op, percent) in OPS {
        if draw.chance(percent) {
            plan.workload.gateway.insert(op, draw.pick(&[1, 2, 4]));
        }
    }
    // Rights change while they are used.
    plan.workload.gateway.insert(GatewayOp::SetRole, draw.pick(&[2, 4]));
}

/// Faults of gateways themselves.
fn fronts(draw: &mut Draw, plan: &mut Plan) {
    for _ in 0..draw.count(0, 3) {
        let gateway = draw.count(1, plan.topology.gateways);
        let what = match draw.number(0, 4) {
            0 | 1 => ProcessFault::GatewayKill { gateway }.into(),
            2 => ProcessFault::GatewayStop { gateway }.into(),
            _ => ProcessFault::GatewayPause { gateway }.into(),
        };
        let at_ms = draw.number(1_000, LOAD_MS - 1_000);
        let for_ms = draw.number(20, 4_000).min(LOAD_MS - at_ms);
        plan.faults.push(Fault { at_ms, for_ms, what });
    }
}

/// Faults between people, gateways and instances, in either direction.
fn between(draw: &mut Draw, plan: &mut Plan) {
    for _ in 0..draw.count(0, 4) {
        let gateway = gateway_name(draw.count(1, plan.topology.gateways));
        let (other, behind) = match draw.number(0, 9) {
            0..=4 => (draw.configstore(plan.topology.configstores()).host(), true),
            5 => (OPERATOR.to_owned(), false),
            _ => (client_name(draw.count(1, plan.topology.clients)), false),
        };
        let what = match (draw.number(0, 4), behind) {
            // Who dials.
            (0, true) => LinkFault::Refuse { from: gateway, to: other }.into(),
            (0, false) => LinkFault::Refuse { from: other, to: gateway }.into(),
            (kind, _) => {
                let there = draw.chance(50);
                let [from, to] = if there { [gateway, other] } else { [other, gateway] };
                match kind {
                    1 => LinkFault::Stall { from, to }.into(),
                    2 => LinkFault::Blackhole { from, to }.into(),
                    3 => LinkFault::Reset { from, to }.into(),
                    _ => slow(draw, from, to),
                }
            }
        };
        let at_ms = draw.number(1_000, LOAD_MS - 1_000);
        let for_ms = draw.number(20, 3_000).min(LOAD_MS - at_ms);
        plan.faults.push(Fault { at_ms, for_ms, what });
    }
    for _ in 0..draw.count(0, 2) {
        let gateway = draw.count(1, plan.topology.gateways);
        let at_ms = draw.number(1_000, LOAD_MS - CUT_MS);
        cut(draw, plan, gateway, at_ms);
    }
}

fn slow(draw: &mut Draw, from: String, to: String) -> FaultKind {
    let (delay_ms, chunk_bytes) = (draw.number(5, 200), draw.pick(&[64, 512]));
    LinkFault::Slow { from, to, delay_ms, chunk_bytes }.into()
}

/// How long answers trickle that are cut off.
const CUT_MS: u64 = 2_000;

/// What instances answer to a gateway trickles, until it breaks off.
fn cut(draw: &mut Draw, plan: &mut Plan, gateway: usize, at_ms: u64) {
    let (delay_ms, chunk_bytes) = (draw.number(20, 60), draw.pick(&[64, 256]));
    let broken_ms = at_ms + draw.number(100, CUT_MS - 200);
    let to = gateway_name(gateway);
    let dies = draw.number(0, 3) == 0;
    for instance in plan.topology.ids(Service::Configstore) {
        let from = instance.host();
        let what =
            LinkFault::Slow { from: from.clone(), to: to.clone(), delay_ms, chunk_bytes }.into();
        plan.faults.push(Fault { at_ms, for_ms: CUT_MS, what });
        let what = match draw.chance(30) {
            true => ProcessFault::Kill { instance }.into(),
            false => LinkFault::Reset { from, to: to.clone() }.into(),
        };
        let for_ms = draw.number(20, 1_000).min(LOAD_MS - broken_ms);
        if !dies {
            plan.faults.push(Fault { at_ms: broken_ms, for_ms, what });
        }
    }
    if dies {
        let for_ms = draw.number(20, 1_000).min(LOAD_MS - broken_ms);
        let what = ProcessFault::GatewayKill { gateway }.into();
        plan.faults.push(Fault { at_ms: broken_ms, for_ms, what });
    }
}

/// Exports, and maintenance with imports: each step through a gateway, or at an instance.
fn operator(draw: &mut Draw, plan: &mut Plan) {
    let mut at_ms = draw.number(1_500, 3_500);
    let export = |keep: &str| OperatorOp::Export { keep: keep.to_owned() };
    let import = |from: &str, damage, dry_run| {
        let from = from.to_owned();
        OperatorOp::Import { from, damage, dry_run }
    };
    let mut then = |draw: &mut Draw, after_ms: u64, action: OperatorOp| {
        at_ms += after_ms;
        step(draw, plan, at_ms, action);
    };
    then(draw, 0, export("old"));
    if draw.chance(30) {
        for _ in 0..draw.count(1, 4) {
            let after_ms = draw.number(500, 2_000);
            then(draw, after_ms, export("any"));
        }
        return;
    }
    let after_ms = draw.number(500, 3_000);
    then(draw, after_ms, OperatorOp::Maintenance { wait_ms: WAIT_MS });
    then(draw, 0, export("before"));
    if draw.chance(50) {
        let (damage, dry_run) = (draw.pick(Damage::ALL), draw.chance(20));
        then(draw, 100, import("before", Some(damage), dry_run));
    }
    if draw.chance(20) {
        then(draw, 100, import("old", None, true));
    }
    let from = draw.pick(&["old", "old", "before"]);
    then(draw, 100, import(from, None, false));
    then(draw, 100, export("after"));
    if draw.chance(30) {
        then(draw, 100, OperatorOp::GoBack { to: "before".to_owned() });
        then(draw, 100, export("back"));
    }
    let after_ms = draw.number(100, 1_500);
    then(draw, after_ms, OperatorOp::Resume { wait_ms: WAIT_MS });
    // Outside maintenance it must be refused.
    if draw.chance(30) {
        then(draw, 1_000, import("after", None, false));
    }
}

/// A step of which the answer breaks off now and then.
fn step(draw: &mut Draw, plan: &mut Plan, at_ms: u64, action: OperatorOp) {
    let instance = draw.configstore(plan.topology.configstores());
    let gateway = draw.chance(75).then(|| draw.count(1, plan.topology.gateways));
    let exports = matches!(action, OperatorOp::Export { .. });
    if let Some(gateway) = gateway.filter(|_| exports && draw.chance(25)) {
        cut(draw, plan, gateway, at_ms);
    }
    plan.operator.push(Step { at_ms, instance, gateway, action });
}
