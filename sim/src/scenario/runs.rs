//! Runs on executors, while instances of runservice, executors and their machines fail.

use std::collections::BTreeMap;

use drydock_harness::fault::PointAct;

use super::Draw;
use super::swarm::{self, COORDINATION, OBJECTS, PROCESSES, WATCHES};
use crate::plan::fault::{Fault, FaultKind, LinkFault, ProcessFault};
use crate::plan::hosts::{executor_name, pusher_name};
use crate::plan::{
    ExecutorPlan, InstanceId, OpKind, OperatorOp, Plan, RunSettings, Runs, RunsOp, Service, Shape,
    Step,
};

const LOAD_MS: u64 = 20_000;
/// Queues are worked off, and whatever is stuck comes to its deadline.
const SETTLE_MS: u64 = 300_000;
const WAIT_MS: u64 = 5_000;

/// What is done, and how often in percent of the plans.
const OPS: [(RunsOp, u32); 10] = [
    (RunsOp::Look, 80),
    (RunsOp::Read, 60),
    (RunsOp::Stop, 60),
    (RunsOp::StopTwice, 40),
    (RunsOp::Cancel, 40),
    (RunsOp::RestartFromFailed, 60),
    (RunsOp::RestartFromStart, 30),
    (RunsOp::Approve, 80),
    (RunsOp::Refuse, 30),
    (RunsOp::Malformed, 60),
];

const SHAPES: [(Shape, u32); 12] = [
    (Shape::Single, 80),
    (Shape::Chain, 70),
    (Shape::Diamond, 70),
    (Shape::FanOut, 60),
    (Shape::Random, 80),
    (Shape::Flaky, 70),
    (Shape::Approval, 50),
    (Shape::Unplaceable, 30),
    (Shape::Broken, 40),
    (Shape::TooLong, 30),
    (Shape::Talkative, 60),
    (Shape::Saving, 70),
];

/// Code points of runservice and of executors. A test compares the first with the code.
pub const SERVICE_STEPS: &[&str] =
    &["claim.after_commit", "heartbeat.received", "status.after_commit"];
const EXECUTOR_STEPS: &[&str] = &[
    "exec.after_ask",
    "exec.after_journal",
    "exec.after_release",
    "exec.after_result",
    "exec.after_sent",
    "exec.after_shipped",
    "exec.after_spawn",
    "exec.before_journal",
    "exec.before_spawn",
];

pub fn under_load(draw: &mut Draw) -> Plan {
    let mut plan = base(draw);
    let kinds = [PROCESSES, COORDINATION, WATCHES, OBJECTS];
    swarm::faults(draw, &mut plan, &kinds, 5, [1_000, LOAD_MS]);
    for _ in 0..draw.count(0, 4) {
        let what = match draw.chance(50) {
            true => of_executor(draw, &plan),
            false => link(draw, &plan),
        };
        add(draw, &mut plan, what, 3_000);
    }
    service_point(draw, &mut plan);
    plan
}

/// Executors go for good, or for longer than anybody waits.
pub fn executor_lost(draw: &mut Draw) -> Plan {
    let mut plan = base(draw);
    plan.topology.executors = draw.count(2, 4);
    plan.runs.weights.insert(RunsOp::Unregister, 1);
    let executor = draw.count(1, plan.topology.executors);
    let at_ms = draw.number(2_000, 6_000);
    let what = match draw.number(0, 3) {
        0 => ProcessFault::ExecutorPowerCut { executor },
        1 => ProcessFault::ExecutorPause { executor },
        _ => ProcessFault::ExecutorKill { executor },
    };
    let for_ms = draw.number(8_000, 14_000);
    plan.faults.push(Fault { at_ms, for_ms, what: what.into() });
    for _ in 0..draw.count(1, 3) {
        let executor = executor_name(draw.count(1, plan.topology.executors));
        let at_ms = draw.number(1_000, 10_000);
        let for_ms = draw.number(3_000, 9_000);
        let is_heard = draw.chance(50);
        for instance in plan.topology.ids(Service::Runservice) {
            let mut ends = [executor.clone(), instance.host()];
            if is_heard {
                ends.reverse();
            }
            let [from, to] = ends;
            let what = LinkFault::Blackhole { from, to }.into();
            plan.faults.push(Fault { at_ms, for_ms, what });
        }
    }
    if draw.chance(40) {
        swarm::faults(draw, &mut plan, &[PROCESSES, COORDINATION], 3, [1_000, LOAD_MS]);
    }
    plan
}

/// Executors die at every step of theirs, alone or with their machines, and come back.
pub fn executor_restarts(draw: &mut Draw) -> Plan {
    let mut plan = base(draw);
    for _ in 0..draw.count(2, 6) {
        let what = of_executor(draw, &plan);
        add(draw, &mut plan, what, 2_000);
    }
    for _ in 0..draw.count(2, 6) {
        let executor = draw.count(1, plan.topology.executors);
        let point = draw.pick(EXECUTOR_STEPS).to_owned();
        let act = draw.pick(&[PointAct::Kill, PointAct::Kill, PointAct::Delay]);
        let occurrence = draw.number(1, 4);
        let what = ProcessFault::ExecutorPoint { executor, point, occurrence, act };
        add(draw, &mut plan, what.into(), 2_000);
    }
    service_point(draw, &mut plan);
    if draw.chance(50) {
        swarm::faults(draw, &mut plan, &[PROCESSES, COORDINATION, WATCHES], 3, [1_000, LOAD_MS]);
    }
    plan
}

/// Runservice is in maintenance while steps run and end.
pub fn maintenance(draw: &mut Draw) -> Plan {
    let mut plan = base(draw);
    let mut at_ms = draw.number(1_500, 4_000);
    for _ in 0..draw.count(1, 3) {
        let mut then = |draw: &mut Draw, after_ms: u64, action: OperatorOp| {
            at_ms += after_ms;
            let instance = runservice(draw, &plan);
            plan.operator.push(Step::new(at_ms.min(LOAD_MS), instance, action));
        };
        then(draw, 0, OperatorOp::Maintenance { wait_ms: WAIT_MS });
        then(draw, 0, OperatorOp::Export { keep: "during".to_owned() });
        let lasts_ms = draw.number(200, 4_000);
        then(draw, lasts_ms, OperatorOp::Resume { wait_ms: WAIT_MS });
        let pause_ms = draw.number(500, 3_000);
        then(draw, pause_ms, OperatorOp::Export { keep: "between".to_owned() });
    }
    for _ in 0..draw.count(0, 3) {
        let what = of_executor(draw, &plan);
        add(draw, &mut plan, what, 2_000);
    }
    swarm::faults(draw, &mut plan, &[PROCESSES, COORDINATION, WATCHES], 3, [1_000, LOAD_MS]);
    plan
}

/// Exports of running work are imported while executors hold attempts, and lineages are gone back
/// to.
pub fn import(draw: &mut Draw) -> Plan {
    let mut plan = base(draw);
    let mut at_ms = draw.number(1_500, 4_000);
    let mut steps = Vec::new();
    let mut then = |draw: &mut Draw, plan: &Plan, after_ms: [u64; 2], action: OperatorOp| {
        at_ms += draw.number(after_ms[0], after_ms[1]);
        steps.push(Step::new(at_ms.min(LOAD_MS), runservice(draw, plan), action));
    };
    let export = |keep: &str| OperatorOp::Export { keep: keep.to_owned() };
    then(draw, &plan, [0, 0], export("week-old"));
    for nth in 0..draw.count(1, 3) {
        then(draw, &plan, [500, 4_000], OperatorOp::Maintenance { wait_ms: WAIT_MS });
        then(draw, &plan, [0, 0], export("running"));
        let from = match draw.chance(50) {
            true => "week-old".to_owned(),
            false => "running".to_owned(),
        };
        let back = OperatorOp::GoBack { to: "running".to_owned() };
        let import = OperatorOp::Import { from, damage: None, dry_run: false };
        then(draw, &plan, [0, 200], import);
        if draw.chance(40) {
            then(draw, &plan, [0, 200], back.clone());
        }
        then(draw, &plan, [0, 2_000], OperatorOp::Resume { wait_ms: WAIT_MS });
        // Work goes on in the lineage that was imported, and then in the one before it.
        if nth == 0 && draw.chance(50) {
            then(draw, &plan, [1_000, 4_000], OperatorOp::Maintenance { wait_ms: WAIT_MS });
            then(draw, &plan, [0, 0], back);
            then(draw, &plan, [0, 500], OperatorOp::Resume { wait_ms: WAIT_MS });
        }
    }
    plan.operator = steps;
    for _ in 0..draw.count(1, 2) {
        let what = of_executor(draw, &plan);
        add(draw, &mut plan, what, 2_000);
    }
    if draw.chance(50) {
        swarm::faults(draw, &mut plan, &[PROCESSES, COORDINATION, WATCHES], 3, [1_000, LOAD_MS]);
    }
    plan
}

/// Every project has more ready tasks than there are executors.
pub fn fair_share(draw: &mut Draw) -> Plan {
    let mut plan = base(draw);
    plan.topology.executors = draw.count(1, 3);
    plan.topology.pushers = draw.count(2, 4);
    let runs = &mut plan.runs;
    runs.projects = draw.count(2, 4);
    runs.groups = draw.count(1, 4);
    runs.weights = [(RunsOp::Push, 4), (RunsOp::Stop, draw.pick(&[0, 1]))].into();
    runs.shapes = [(Shape::FanOut, 3), (Shape::Single, draw.pick(&[0, 2]))].into();
    runs.settings.queue_timeout_ms = 60_000;
    runs.settings.run_timeout_ms = 120_000;
    swarm::faults(draw, &mut plan, &[PROCESSES, COORDINATION], 2, [1_000, LOAD_MS]);
    plan
}

/// Instances that have the newest bytes of logs in memory only die or stand still, while others
/// read and follow these logs.
pub fn log_tail_lost(draw: &mut Draw) -> Plan {
    let mut plan = base(draw);
    let runservices = draw.count(1, 3);
    plan.topology.instances.insert(Service::Runservice, runservices);
    plan.topology.pushers = draw.count(2, 4);
    let runs = &mut plan.runs;
    let stop = draw.pick(&[0, 1]);
    runs.weights = [(RunsOp::Push, 2), (RunsOp::Read, 8), (RunsOp::Stop, stop)].into();
    runs.shapes = [(Shape::Talkative, 4), (Shape::Single, 1)].into();
    runs.step_ms = 2_500;
    runs.settings.attempt_timeout_ms = 20_000;
    runs.executors.iter_mut().for_each(|executor| executor.lies = false);
    for _ in 0..draw.count(2, 6) {
        let instance = runservice(draw, &plan);
        let what = match draw.number(0, 3) {
            0 => ProcessFault::Stop { instance },
            1 => ProcessFault::Pause { instance },
            _ => ProcessFault::Kill { instance },
        };
        add(draw, &mut plan, what.into(), 2_000);
    }
    for _ in 0..draw.count(0, 3) {
        let what = link(draw, &plan);
        add(draw, &mut plan, what, 3_000);
    }
    if draw.chance(30) {
        swarm::faults(draw, &mut plan, &[OBJECTS, COORDINATION], 2, [1_000, LOAD_MS]);
    }
    plan
}

/// A plan with runservice, executors, and people who make runs.
fn base(draw: &mut Draw) -> Plan {
    let mut plan = swarm::base(draw, 1, LOAD_MS);
    plan.settle_ms = SETTLE_MS;
    let runservices = draw.count(1, 3);
    plan.topology.instances.insert(Service::Runservice, runservices);
    plan.topology.clients = 1;
    plan.topology.pushers = draw.count(1, 3);
    plan.topology.executors = draw.count(1, 4);
    plan.workload.weights = [(OpKind::CreateUser, 1), (OpKind::GetUser, 1)].into();
    plan.workload.pause_ms = [500, 2_000];
    plan.runs = runs(draw, plan.topology.executors);
    plan
}

fn runs(draw: &mut Draw, executors: usize) -> Runs {
    let mut weights: BTreeMap<RunsOp, u32> = [(RunsOp::Push, 4)].into();
    for (op, percent) in OPS {
        if draw.chance(percent) {
            weights.insert(op, draw.pick(&[1, 2]));
        }
    }
    let mut shapes = BTreeMap::new();
    for (shape, percent) in SHAPES {
        if draw.chance(percent) {
            shapes.insert(shape, draw.pick(&[1, 2, 4]));
        }
    }
    let least = draw.pick(&[100, 200, 400]);
    let executor = |draw: &mut Draw| ExecutorPlan {
        labels: if draw.chance(30) { ["linux".to_owned()].into() } else { Default::default() },
        limit: u32::try_from(draw.count(1, 4)).unwrap_or(1),
        beat_ms: draw.number(200, 1_500),
        ask_ms: draw.number(50, 400),
        ship_ms: draw.number(100, 1_000),
        lies: draw.chance(25),
    };
    Runs {
        projects: draw.count(1, 3),
        groups: draw.count(0, 3),
        pause_ms: [least, least * draw.pick(&[2, 5])],
        step_ms: draw.pick(&[100, 400, 1_500]),
        weights,
        shapes,
        executors: (0..executors).map(|_| executor(draw)).collect(),
        settings: RunSettings {
            queue_timeout_ms: draw.number(4_000, 10_000),
            attempt_timeout_ms: draw.number(5_000, 12_000),
            run_timeout_ms: draw.number(15_000, 40_000),
            approval_timeout_ms: draw.number(1_000, 6_000),
            deadline_margin_ms: draw.number(500, 3_000),
            stop_grace_ms: draw.number(0, 1_000),
            stop_timeout_ms: draw.number(1_000, 4_000),
            retry_pause_ms: draw.number(50, 500),
            max_queued_per_group: draw.number(2, 5),
            max_running_tasks: draw.pick(&[2, 100]),
            adoption_patience_ms: draw.number(3_000, 20_000),
        },
    }
}

/// A fault of an executor, or of its machine.
fn of_executor(draw: &mut Draw, plan: &Plan) -> FaultKind {
    let executor = draw.count(1, plan.topology.executors);
    match draw.number(0, 4) {
        0 | 1 => ProcessFault::ExecutorKill { executor },
        2 => ProcessFault::ExecutorPause { executor },
        _ => ProcessFault::ExecutorPowerCut { executor },
    }
    .into()
}

/// A fault between runservice and an executor or a pusher, in either direction.
fn link(draw: &mut Draw, plan: &Plan) -> FaultKind {
    let other = match draw.chance(70) {
        true => executor_name(draw.count(1, plan.topology.executors)),
        false => pusher_name(draw.count(1, plan.topology.pushers)),
    };
    let mut ends = [other, runservice(draw, plan).host()];
    if draw.chance(50) {
        ends.reverse();
    }
    let [from, to] = ends;
    match draw.number(0, 3) {
        0 => LinkFault::Stall { from, to }.into(),
        1 => LinkFault::Blackhole { from, to }.into(),
        2 => LinkFault::Reset { from, to }.into(),
        _ => {
            let (delay_ms, chunk_bytes) = (draw.number(5, 200), draw.pick(&[64, 512]));
            LinkFault::Slow { from, to, delay_ms, chunk_bytes }.into()
        }
    }
}

fn runservice(draw: &mut Draw, plan: &Plan) -> InstanceId {
    InstanceId::runservice(draw.count(1, plan.topology.runservices()))
}

/// An instance dies, waits or fails after a commit of an executor's, before it answers.
fn service_point(draw: &mut Draw, plan: &mut Plan) {
    for _ in 0..draw.count(0, 2) {
        let instance = runservice(draw, plan);
        let point = draw.pick(SERVICE_STEPS).to_owned();
        let (occurrence, act) = (draw.number(1, 6), draw.pick(swarm::ACTS));
        let what = ProcessFault::Point { instance, point, occurrence, act };
        add(draw, plan, what.into(), 3_000);
    }
}

fn add(draw: &mut Draw, plan: &mut Plan, what: FaultKind, longest_ms: u64) {
    let at_ms = draw.number(1_000, LOAD_MS - 1_000);
    let for_ms = draw.number(20, longest_ms).min(LOAD_MS - at_ms);
    plan.faults.push(Fault { at_ms, for_ms, what });
}
