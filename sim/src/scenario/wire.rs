//! What a plan has besides, at fidelity `wire`: members of etcd, and faults that storage in memory
//! does not know. Drawn last, so that everything else is the same at both fidelities.

use super::Draw;
use crate::plan::fault::{
    Asked, CoordinationFault, Effect, EtcdFault, Fault, FaultKind, LinkFault, ObjectsFault,
};
use crate::plan::hosts::{S3_HOST, etcd_name};
use crate::plan::{Fidelity, OperatorOp, Plan, Step};
use drydock_sim_s3::ConditionalWrites::{self, Honoured};

const MOST_FAULTS: usize = 3;
pub const LEAST_TICK_MS: u64 = 4;

pub fn widen(draw: &mut Draw, plan: &mut Plan) {
    plan.fidelity = Fidelity::Wire;
    plan.topology.etcd_members = draw.pick(&[1, 3]);
    // A tick costs every host, and there are more of them.
    plan.tick_ms = plan.tick_ms.max(LEAST_TICK_MS);
    let lag_ms = draw.pick(&[0, 0, 0, 300, 3_000]);
    // A recovery takes a listing's word for what was archived, and so does the way back to a
    // lineage that ended by another such way: that is asked of an object store.
    let recovers = |fault: &Fault| {
        matches!(
            fault.what,
            FaultKind::Coordination(CoordinationFault::Lost {})
                | FaultKind::Coordination(CoordinationFault::SetBack { .. })
        )
    };
    let goes_back = |step: &Step| matches!(step.action, OperatorOp::GoBack { .. });
    if !plan.faults.iter().any(recovers) && !plan.operator.iter().any(goes_back) {
        plan.topology.listing_lag_ms = lag_ms;
    }
    plan.topology.conditional_writes =
        draw.pick(&[Honoured, Honoured, ConditionalWrites::Ignored, ConditionalWrites::Refused]);
    if draw.chance(40) {
        return;
    }
    for _ in 0..draw.count(1, MOST_FAULTS) {
        let at_ms = draw.number(1_000, plan.load_ms - 1);
        let for_ms = draw.number(20, 4_000).min(plan.load_ms - at_ms);
        let what = match draw.number(0, 4) {
            0 | 1 => etcd(draw, plan),
            2 => requests(draw, plan),
            3 => objects(draw, plan),
            _ => link(draw, plan),
        };
        plan.faults.push(Fault { at_ms, for_ms, what });
    }
}

fn etcd(draw: &mut Draw, plan: &Plan) -> FaultKind {
    let members = plan.topology.etcd_members;
    let member = draw.count(1, members);
    let kinds = [
        EtcdFault::Kill { member }.into(),
        EtcdFault::Elect {}.into(),
        EtcdFault::Compact {}.into(),
        EtcdFault::NoSpace {}.into(),
        EtcdFault::Isolate { member }.into(),
        EtcdFault::Lag { member }.into(),
    ];
    // One member alone is its own majority.
    let fitting = if members == 1 { &kinds[..4] } else { &kinds[..] };
    draw.pick(fitting)
}

fn requests(draw: &mut Draw, plan: &Plan) -> FaultKind {
    EtcdFault::Fail {
        instance: draw.instance(&plan.topology),
        count: draw.number(1, 4),
        // Every instance reads and renews all the time, and the others now and then.
        asked: draw.pick(&[
            Asked::Range,
            Asked::Range,
            Asked::LeaseKeepAlive,
            Asked::LeaseKeepAlive,
            Asked::Watch,
            Asked::LeaseGrant,
            Asked::LeaseRevoke,
            Asked::Compact,
        ]),
        effect: draw.pick(&[Effect::Applied, Effect::Dropped]),
    }
    .into()
}

fn objects(draw: &mut Draw, plan: &Plan) -> FaultKind {
    let instance = draw.instance(&plan.topology);
    ObjectsFault::Truncate { instance, count: draw.number(1, 4) }.into()
}

/// Something between an instance and what it keeps its data in.
fn link(draw: &mut Draw, plan: &Plan) -> FaultKind {
    let instance = draw.instance(&plan.topology).host();
    let storage = match draw.chance(50) {
        true => etcd_name(draw.count(1, plan.topology.etcd_members)),
        false => S3_HOST.to_owned(),
    };
    let [from, to] = match draw.chance(50) {
        true => [instance, storage],
        false => [storage, instance],
    };
    match draw.number(0, 4) {
        0 => LinkFault::Stall { from, to }.into(),
        1 => LinkFault::Blackhole { from, to }.into(),
        2 => LinkFault::Refuse { from, to }.into(),
        3 => LinkFault::Reset { from, to }.into(),
        _ => LinkFault::Slow {
            from,
            to,
            delay_ms: draw.number(5, 200),
            chunk_bytes: draw.pick(&[64, 512, 8192]),
        }
        .into(),
    }
}
