//! Maintenance as a barrier across instances.

use super::Draw;
use super::swarm::{self, COORDINATION, LINKS, PROCESSES, WATCHES};
use crate::fault::{Fault, What};
use crate::plan::{Action, Plan, Step};

pub fn under_load(draw: &mut Draw) -> Plan {
    let mut plan = swarm::base(draw, 3, 24_000);
    let away = draw.count(1, 3);
    let others: Vec<usize> = (1..=3).filter(|instance| *instance != away).collect();
    let cut_ms = draw.number(1_500, 4_000);
    plan.faults.push(Fault {
        at_ms: cut_ms,
        for_ms: draw.number(1_000, 12_000),
        what: What::CoordCut { instance: away },
    });
    let mut at_ms = draw.number(1_000, 4_500);
    for _ in 0..draw.count(1, 2) {
        if draw.chance(60) {
            // Somebody learns of it late, and goes on meanwhile.
            let lag_ms = draw.number(500, 4_000);
            plan.faults.push(Fault {
                at_ms: at_ms - draw.number(0, 900),
                for_ms: lag_ms,
                what: What::WatchLag { instance: draw.pick(&others), lag_ms },
            });
        }
        let mut step = |at_ms, action| {
            let instance = draw.pick(&others);
            plan.operator.push(Step { at_ms, instance, action });
        };
        step(at_ms, Action::Maintenance { wait_ms: 8_000 });
        let keep = "during".to_owned();
        step(at_ms, Action::Export { keep });
        step(at_ms + 1_500, Action::Resume { wait_ms: 5_000 });
        at_ms += draw.number(7_000, 12_000);
    }
    let kinds = [PROCESSES, LINKS, COORDINATION, WATCHES];
    if draw.chance(60) {
        swarm::faults(draw, &mut plan, &kinds, 4, [1_000, 24_000]);
    }
    plan
}
