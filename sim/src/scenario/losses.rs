//! Background tasks in a hurry, and storage that goes away: for a while or for good.

use drydock_core::store::Durability;
use drydock_harness::fault::PointAct;

use super::swarm::{self, COORDINATION, LINKS, OBJECTS, POINTS, PROCESSES, STEPS, WATCHES};
use super::{Draw, imports};
use crate::plan::fault::{CoordinationFault, Fault, FaultKind, ObjectsFault, ProcessFault};
use crate::plan::{Plan, Service};

/// Code points of tasks and commits: those that no operator is needed for.
fn step(draw: &mut Draw, prefixes: &[&str]) -> String {
    let fits = |name: &&&str| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let names: Vec<&str> = STEPS.iter().filter(fits).copied().collect();
    draw.pick(&names).to_owned()
}

/// Something happens at one step, wherever it is passed.
fn everywhere(draw: &mut Draw, plan: &mut Plan, prefixes: &[&str], times: [u64; 2]) {
    let point = step(draw, prefixes);
    let act = draw.pick(&[PointAct::Kill, PointAct::Delay, PointAct::Fail]);
    let (at_ms, occurrence) = (draw.number(times[0], times[1]), draw.number(1, 3));
    // Beyond the leases of locks, sometimes.
    let for_ms = draw.number(100, 14_000).min(plan.load_ms - at_ms);
    for instance in plan.topology.ids(Service::Configstore) {
        let what = ProcessFault::Point { instance, point: point.clone(), occurrence, act }.into();
        plan.faults.push(Fault { at_ms, for_ms, what });
    }
}

pub fn tasks_under_load(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 4);
    let mut plan = swarm::base(draw, configstores, 25_000);
    hurry(draw, &mut plan);
    for _ in 0..draw.count(1, 3) {
        let prefixes = ["archive.", "checkpoint.", "trim.", "collect.", "commit."];
        everywhere(draw, &mut plan, &prefixes, [500, 15_000]);
    }
    if draw.chance(50) {
        // Longer than any lock is held.
        let instance = draw.configstore(configstores);
        let (at_ms, for_ms) = (draw.number(1_000, 10_000), draw.number(10_000, 14_000));
        plan.faults.push(Fault { at_ms, for_ms, what: ProcessFault::Pause { instance }.into() });
    }
    let kinds = [PROCESSES, COORDINATION, OBJECTS, WATCHES, POINTS];
    swarm::faults(draw, &mut plan, &kinds, 6, [1_000, 25_000]);
    plan
}

pub fn hurry(draw: &mut Draw, plan: &mut Plan) {
    let tasks = &mut plan.settings.tasks;
    tasks.archive_period_ms = draw.number(200, 800);
    tasks.checkpoint_period_ms = draw.number(500, 3_000);
    tasks.trim_period_ms = draw.number(500, 2_000);
    tasks.collect_period_ms = draw.number(500, 3_000);
    tasks.checkpoint_commits = draw.number(1, 10);
    tasks.grace_ms = draw.pick(&[0, 0, 1_000]);
}

pub fn coordination_lost(draw: &mut Draw) -> Plan {
    lost(draw, |_| CoordinationFault::Lost {}.into())
}

pub fn coordination_set_back(draw: &mut Draw) -> Plan {
    lost(draw, |draw| CoordinationFault::SetBack { age_ms: draw.number(100, 8_000) }.into())
}

fn lost(draw: &mut Draw, what: fn(&mut Draw) -> FaultKind) -> Plan {
    let configstores = draw.count(1, 4);
    let mut plan = swarm::base(draw, configstores, 25_000);
    if draw.chance(50) {
        hurry(draw, &mut plan);
    }
    if draw.chance(40) {
        plan.settings.durability = Durability::Archived;
    }
    let first_ms = draw.number(2_000, 9_000);
    let mut at_ms = first_ms;
    for _ in 0..draw.pick(&[1, 1, 2]) {
        let for_ms = draw.number(50, 3_000);
        plan.faults.push(Fault { at_ms, for_ms, what: what(draw) });
        if draw.chance(40) {
            // All are down meanwhile, and nobody remembers anything.
            let (at_ms, for_ms) = (at_ms.saturating_sub(100), for_ms + draw.number(200, 1_500));
            for instance in plan.topology.ids(Service::Configstore) {
                plan.faults.push(Fault {
                    at_ms,
                    for_ms,
                    what: ProcessFault::Kill { instance }.into(),
                });
            }
        }
        at_ms += for_ms + draw.number(5_000, 9_000);
    }
    if draw.chance(50) {
        everywhere(draw, &mut plan, &["recovery.", "bootstrap."], [first_ms, first_ms + 500]);
    }
    if draw.chance(60) {
        let kinds = [PROCESSES, LINKS, COORDINATION, OBJECTS, WATCHES, POINTS];
        swarm::faults(draw, &mut plan, &kinds, 4, [1_000, 25_000]);
    }
    plan
}

/// What the promise of `archived` must outlive: losses, set-backs, kills at the steps of recoveries
/// and archivers, outages of objects, restores and imports, all at once.
pub fn coordination_torn(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 3);
    let mut plan = swarm::base(draw, configstores, 30_000);
    if draw.chance(70) {
        hurry(draw, &mut plan);
    }
    plan.settings.durability = draw.pick(&[Durability::Archived, Durability::Quorum]);
    if draw.chance(40) {
        imports::there_and_back(draw, &mut plan);
    }
    let mut at_ms = draw.number(2_000, 6_000);
    for _ in 0..draw.count(2, 4) {
        let for_ms = draw.number(50, 1_500);
        let what: FaultKind = match draw.chance(20) {
            true => CoordinationFault::Lost {}.into(),
            false => CoordinationFault::SetBack { age_ms: draw.number(50, 9_000) }.into(),
        };
        plan.faults.push(Fault { at_ms, for_ms, what });
        // Whoever comes back from it is struck in turn, or does not reach objects.
        let end_ms = at_ms + for_ms;
        for instance in plan.topology.ids(Service::Configstore) {
            if draw.chance(40) {
                let prefixes = ["recovery.", "archive.", "bootstrap.", "checkpoint."];
                let point = step(draw, &prefixes);
                let act = draw.pick(&[PointAct::Kill, PointAct::Kill, PointAct::Delay]);
                let occurrence = draw.number(1, 2);
                let what = ProcessFault::Point { instance, point, occurrence, act }.into();
                let for_ms = draw.number(500, 5_000);
                plan.faults.push(Fault { at_ms: at_ms.saturating_sub(300), for_ms, what });
            }
            if draw.chance(25) {
                let what = ObjectsFault::Outage { instance }.into();
                let for_ms = draw.number(200, 3_000);
                plan.faults.push(Fault { at_ms: end_ms.saturating_sub(200), for_ms, what });
            }
            if draw.chance(15) {
                // It stands still over the set-back, and does not notice.
                let for_ms = draw.number(500, 3_000);
                let at_ms = at_ms.saturating_sub(draw.number(0, 400));
                plan.faults.push(Fault {
                    at_ms,
                    for_ms,
                    what: ProcessFault::Pause { instance }.into(),
                });
            }
        }
        at_ms = end_ms + draw.number(500, 7_000);
    }
    plan.faults.retain(|fault| fault.at_ms + fault.for_ms <= plan.load_ms);
    plan
}

pub fn objects_out(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 3);
    let mut plan = swarm::base(draw, configstores, 25_000);
    plan.settings.durability = Durability::Quorum;
    plan.settings.unarchived_commits = draw.number(3, 40);
    plan.settings.tasks.archive_period_ms = draw.number(200, 1_000);
    let (at_ms, for_ms) = (draw.number(2_000, 6_000), draw.number(6_000, 14_000));
    for instance in plan.topology.ids(Service::Configstore) {
        plan.faults.push(Fault { at_ms, for_ms, what: ObjectsFault::Outage { instance }.into() });
    }
    if draw.chance(50) {
        swarm::faults(draw, &mut plan, &[PROCESSES, COORDINATION], 2, [1_000, 25_000]);
    }
    plan
}
