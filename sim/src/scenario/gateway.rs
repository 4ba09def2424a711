//! People at gateways.

use std::collections::BTreeMap;

use super::Draw;
use super::swarm::{self, COORDINATION, LINKS, PROCESSES, WATCHES};
use crate::fault::{Fault, What};
use crate::plan::{GatewayOp, Plan, client_name, gateway_name, instance_name};

/// What is done, and how often in percent of the plans.
const OPS: [(GatewayOp, u32); 18] = [
    (GatewayOp::MakeToken, 80),
    (GatewayOp::DropToken, 80),
    (GatewayOp::SetAdmin, 40),
    (GatewayOp::DeleteUser, 30),
    (GatewayOp::CreateOrg, 100),
    (GatewayOp::DeleteOrg, 40),
    (GatewayOp::SetRole, 100),
    (GatewayOp::RemoveMember, 80),
    (GatewayOp::CreateGroup, 100),
    (GatewayOp::MoveGroup, 80),
    (GatewayOp::DeleteGroup, 40),
    (GatewayOp::CreateProject, 100),
    (GatewayOp::ChangeProject, 80),
    (GatewayOp::DeleteProject, 40),
    (GatewayOp::GetProject, 80),
    (GatewayOp::ListProjects, 60),
    (GatewayOp::CreateSecret, 60),
    (GatewayOp::ListSecrets, 60),
];

pub fn people(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 3);
    let mut plan = swarm::base(draw, configstores, 15_000);
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
    swarm::faults(draw, &mut plan, &[PROCESSES, LINKS, COORDINATION, WATCHES], 5, [1_000, 15_000]);
    between(draw, &mut plan);
    plan
}

/// Faults between people, gateways and instances.
fn between(draw: &mut Draw, plan: &mut Plan) {
    for _ in 0..draw.count(0, 4) {
        let gateway = gateway_name(draw.count(1, plan.topology.gateways));
        let other = match draw.chance(50) {
            true => instance_name(draw.count(1, plan.topology.configstores)),
            false => client_name(draw.count(1, plan.topology.clients)),
        };
        let what = match draw.number(0, 3) {
            0 => What::Stall { from: gateway, to: other },
            1 => What::Blackhole { from: gateway, to: other },
            2 => What::Reset { from: gateway, to: other },
            _ => What::Slow {
                from: gateway,
                to: other,
                delay_ms: draw.number(5, 200),
                chunk_bytes: draw.pick(&[64, 512]),
            },
        };
        let at_ms = draw.number(1_000, 14_000);
        let for_ms = draw.number(20, 3_000).min(15_000 - at_ms);
        plan.faults.push(Fault { at_ms, for_ms, what });
    }
}
