//! etcd as it once was: one of its bugs, and what brings it out.

use super::Draw;
use super::swarm::{self, COORDINATION, PROCESSES};
use super::wire::LEAST_TICK_MS;
use crate::plan::fault::{EtcdFault, Fault, LinkFault, WatchFault};
use crate::plan::hosts::etcd_name;
use crate::plan::{Fidelity, Plan};
use drydock_sim_etcd::Bug;

const LOAD_MS: u64 = 20_000;
/// Those that the product says it survives, and that its requests can bring out. It never asks for
/// progress, commits that a watch forgets are the fault `watch_loss`, and what reads that are
/// promised to be linearizable hide, nobody can see.
const SURVIVED: &[Bug] =
    &[Bug::LostWrite, Bug::WatchBackInTime, Bug::LostDeletion, Bug::FutureWatchSeesPast];

pub fn old_etcd(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 3);
    let mut plan = swarm::base(draw, configstores, LOAD_MS);
    plan.fidelity = Fidelity::Wire;
    plan.tick_ms = plan.tick_ms.max(LEAST_TICK_MS);
    let bug = draw.pick(SURVIVED);
    plan.topology.etcd_members = if bug == Bug::LostWrite { 1 } else { 3 };
    plan.faults.push(Fault { at_ms: 0, for_ms: LOAD_MS, what: EtcdFault::Bug { bug }.into() });
    for _ in 0..draw.count(2, 5) {
        let at_ms = draw.number(1_000, LOAD_MS - 4_000);
        bring_out(draw, &mut plan, bug, at_ms);
    }
    swarm::faults(draw, &mut plan, &[PROCESSES, COORDINATION], 2, [1_000, LOAD_MS]);
    plan
}

fn bring_out(draw: &mut Draw, plan: &mut Plan, bug: Bug, at_ms: u64) {
    let mut add = |at_ms, for_ms, what| plan.faults.push(Fault { at_ms, for_ms, what });
    let instance = draw.configstore(plan.topology.configstores());
    let member = draw.count(1, plan.topology.etcd_members);
    match bug {
        Bug::LostWrite => add(at_ms, draw.number(50, 1_500), EtcdFault::Kill { member: 1 }.into()),
        Bug::LostDeletion => {
            add(at_ms, 0, EtcdFault::Compact {}.into());
            add(at_ms, draw.number(20, 200), WatchFault::Break { instance }.into());
        }
        Bug::FutureWatchSeesPast => {
            // Who watches on at a member that is behind asks for the future.
            for member in 1..=plan.topology.etcd_members {
                plan.faults.push(Fault {
                    at_ms,
                    for_ms: 1_000,
                    what: EtcdFault::Lag { member }.into(),
                });
            }
            let what = WatchFault::Break { instance }.into();
            plan.faults.push(Fault { at_ms: at_ms + 500, for_ms: 50, what });
        }
        _ => {
            let for_ms = draw.number(200, 2_000);
            add(at_ms, for_ms, EtcdFault::Lag { member }.into());
            let (from, to) = (etcd_name(1), instance.host());
            add(at_ms, for_ms, LinkFault::Stall { from, to }.into());
        }
    }
}
