//! Two hosts lose sight of each other, for so long that only time-outs and new connections help.

use super::Draw;
use super::swarm;
use crate::plan::fault::{Fault, LinkFault};
use crate::plan::hosts::{OPERATOR, S3_HOST, client_name, etcd_name};
use crate::plan::{Fidelity, Plan};

/// Shorter than any time-out, longer than most, longer than all.
const PARTITIONS_MS: &[u64] = &[1_000, 1_000, 1_000, 30_000, 30_000, 30_000, 600_000];
/// Of load before, and of load after the partition.
const AROUND_MS: u64 = 5_000;
/// From here on clients take their time.
const LONG_MS: u64 = 100_000;

pub fn partition(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 3);
    let for_ms = draw.pick(PARTITIONS_MS);
    let mut plan = swarm::base(draw, configstores, for_ms + 2 * AROUND_MS);
    if for_ms > LONG_MS {
        plan.tick_ms = 10;
        plan.workload.pause_ms = [1_000, 5_000];
    }
    let instance = draw.configstore(configstores);
    let here = instance.host();
    let other = draw.configstore(configstores);
    let among = other != instance && draw.chance(50);
    let there = match draw.fidelity {
        _ if among => other.host(),
        Fidelity::Wire => match draw.number(0, 3) {
            // The first member is the one that is asked.
            0 | 1 => etcd_name(1),
            2 => S3_HOST.to_owned(),
            _ => user(draw, &plan),
        },
        Fidelity::Direct | Fidelity::Embedded => user(draw, &plan),
    };
    let both = draw.chance(70);
    let vanishes = draw.chance(60);
    let cut = |from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        let what = match vanishes {
            true => LinkFault::Blackhole { from, to }.into(),
            false => LinkFault::Stall { from, to }.into(),
        };
        Fault { at_ms: AROUND_MS, for_ms, what }
    };
    let ways = [cut(&here, &there), cut(&there, &here)];
    match both {
        true => plan.faults.extend(ways),
        false => plan.faults.push(draw.pick(&ways)),
    }
    // Between two hosts that have nothing to say to each other for a second, nothing is lost.
    swarm::certain(draw, &mut plan, [1_000, AROUND_MS + for_ms]);
    plan
}

fn user(draw: &mut Draw, plan: &Plan) -> String {
    match draw.chance(20) {
        true => OPERATOR.to_owned(),
        false => client_name(draw.count(1, plan.topology.clients)),
    }
}
