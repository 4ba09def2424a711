//! What every scenario draws: topology, limits, operations and faults. Each seed switches whole
//! kinds on and off, so that rare combinations happen.

use std::collections::BTreeMap;

use drydock_core::store::Durability::{Archived, Quorum};
use drydock_core::store::TaskSettings;
use drydock_harness::fault::PointAct;
use drydock_sim_s3::ConditionalWrites;
use jiff::Timestamp;

use super::Draw;
use crate::plan::fault::{
    CoordinationFault, Effect, Fault, FaultKind, LinkFault, ObjectsFault, ProcessFault, WatchFault,
};
use crate::plan::hosts::{OPERATOR, client_name};
use crate::plan::{
    FORMAT, Fidelity, Forwarding, InstanceId, OpKind, Plan, Runs, Service, Settings, Topology,
    Workload,
};

/// After the faults everything must have converged within this time.
const SETTLE_MS: u64 = 30_000;

/// A plan without operator and faults.
pub fn base(draw: &mut Draw, configstores: usize, load_ms: u64) -> Plan {
    let seconds = i64::try_from(draw.number(1_790_000_000, 1_800_000_000)).unwrap_or(0);
    let slow_ms = draw.pick(&[1, 3, 10]);
    Plan {
        format: FORMAT,
        scenario: draw.scenario.to_owned(),
        seed: draw.seed,
        epoch: Timestamp::from_second(seconds).expect("within the calendar"),
        fidelity: Fidelity::Direct,
        tick_ms: draw.pick(&[1, 2, 5, 5, 10, 10]),
        load_ms,
        settle_ms: SETTLE_MS,
        topology: Topology {
            instances: [(Service::Configstore, configstores)].into(),
            gateways: 0,
            clients: draw.count(2, 5),
            pushers: 0,
            executors: 0,
            latency_ms: [0, draw.pick(&[1, 3, 10])],
            storage_ms: [0, slow_ms],
            etcd_members: 1,
            etcd_quota_bytes: 0,
            listing_lag_ms: 0,
            conditional_writes: ConditionalWrites::Honoured,
        },
        settings: Settings {
            batch_transactions: draw.pick(&[1, 2, 8, 64]),
            batch_bytes: draw.pick(&[2 << 10, 16 << 10, 256 << 10]),
            inline_bytes: draw.pick(&[256, 1 << 10, 64 << 10]),
            lease_ttl_ms: draw.number(2_000, 5_000),
            request_timeout_ms: draw.number(2_000, 8_000),
            durability: draw.pick(&[Quorum, Quorum, Quorum, Archived]),
            unarchived_commits: match draw.chance(20) {
                true => draw.number(5, 60),
                false => 20_000,
            },
            tasks: tasks(draw),
            deletion_objects: draw.pick(&[1, 2, 1_000]),
            forwarding: draw.pick(&[Forwarding::All, Forwarding::AllButFirst, Forwarding::None]),
        },
        workload: workload(draw),
        operator: Vec::new(),
        upgrades: Vec::new(),
        runs: Runs::default(),
        faults: Vec::new(),
    }
}

/// Short enough that every task runs, and meets the others, within one plan.
pub fn tasks(draw: &mut Draw) -> TaskSettings {
    TaskSettings {
        archive_period_ms: draw.number(200, 2_000),
        checkpoint_period_ms: draw.number(1_000, 10_000),
        trim_period_ms: draw.number(500, 5_000),
        collect_period_ms: draw.number(1_000, 10_000),
        compact_period_ms: draw.number(500, 5_000),
        purge_period_ms: 500,
        compact: true,
        history_revisions: draw.pick(&[0, 20, 200]),
        behind_revisions: draw.pick(&[100, 10_000]),
        checkpoint_commits: draw.number(1, 50),
        window_commits: draw.pick(&[0, 1, 5, 50]),
        grace_ms: draw.pick(&[0, 500, 5_000]),
        checkpoints_kept: draw.count(1, 3),
        lineages_kept: draw.count(2, 10),
    }
}

/// What is done to groups, projects and secrets, and how often in percent.
const OF_THE_TREE: [(OpKind, u32); 10] = [
    (OpKind::MoveGroup, 80),
    (OpKind::DeleteGroup, 50),
    (OpKind::ListGroups, 70),
    (OpKind::CreateProject, 80),
    (OpKind::GetProject, 60),
    (OpKind::DeleteProject, 40),
    (OpKind::CreateSecret, 60),
    (OpKind::ChangeSecret, 40),
    (OpKind::CreateVariable, 60),
    (OpKind::Environment, 60),
];

fn workload(draw: &mut Draw) -> Workload {
    let mut weights = BTreeMap::new();
    // Without users nothing else does anything.
    weights.insert(OpKind::CreateUser, draw.pick(&[1, 3, 6]));
    let others = [
        (OpKind::GetUser, 90),
        (OpKind::ListUsers, 70),
        (OpKind::DeleteUser, 80),
        (OpKind::RenameUser, 60),
        (OpKind::CreateOrg, 60),
        (OpKind::DeleteOrg, 50),
        (OpKind::SetMember, 50),
        (OpKind::RemoveMember, 40),
        (OpKind::ListMembers, 40),
        (OpKind::Export, 20),
    ];
    for (kind, percent) in others {
        if draw.chance(percent) {
            weights.insert(kind, draw.pick(&[1, 2, 4]));
        }
    }
    // Half of all plans are about the tree, too.
    if draw.chance(50) {
        weights.insert(OpKind::CreateOrg, 2);
        weights.insert(OpKind::CreateGroup, draw.pick(&[2, 4]));
        for (kind, percent) in OF_THE_TREE {
            if draw.chance(percent) {
                weights.insert(kind, draw.pick(&[1, 2, 3]));
            }
        }
    }
    let least = draw.pick(&[1, 10, 40]);
    Workload {
        from_ms: 0,
        users: draw.count(2, 8),
        orgs: draw.count(1, 4),
        pause_ms: [least, least * draw.pick(&[2, 5])],
        weights,
        gateway: BTreeMap::new(),
        feasible_percent: 0,
    }
}

/// Drawn by itself: a seed has the same faults and settings whatever it is.
pub fn feasible_percent(seed: u64, fidelity: Fidelity) -> u8 {
    Draw::new("feasible calls", seed, fidelity).pick(&[0, 80, 80, 95])
}

/// A kind of fault: makes one for an instance of the plan.
type Maker = fn(&mut Draw, &Plan, InstanceId) -> FaultKind;

pub const PROCESSES: &[Maker] = &[
    |_, _, instance| ProcessFault::Kill { instance }.into(),
    |_, _, instance| ProcessFault::Stop { instance }.into(),
    |_, _, instance| ProcessFault::Pause { instance }.into(),
];

pub const LINKS: &[Maker] = &[
    |draw, plan, instance| {
        let [from, to] = link(draw, plan, instance);
        LinkFault::Stall { from, to }.into()
    },
    |draw, plan, instance| {
        let [from, to] = link(draw, plan, instance);
        LinkFault::Blackhole { from, to }.into()
    },
    |draw, plan, instance| LinkFault::Refuse { from: user(draw, plan), to: instance.host() }.into(),
    |draw, plan, instance| {
        let [from, to] = link(draw, plan, instance);
        LinkFault::Reset { from, to }.into()
    },
    |draw, plan, instance| {
        let [from, to] = link(draw, plan, instance);
        LinkFault::Slow {
            from,
            to,
            delay_ms: draw.number(5, 200),
            chunk_bytes: draw.pick(&[64, 512, 8192]),
        }
        .into()
    },
];

pub const COORDINATION: &[Maker] = &[
    |_, _, instance| CoordinationFault::Cut { instance }.into(),
    |draw, _, instance| CoordinationFault::Slow { instance, delay_ms: draw.number(5, 300) }.into(),
    |draw, _, instance| {
        CoordinationFault::LostAnswer {
            instance,
            count: draw.number(1, 5),
            effect: draw.pick(&[Effect::Applied, Effect::Dropped, Effect::Late]),
        }
        .into()
    },
];

pub const WATCHES: &[Maker] = &[
    |draw, _, instance| WatchFault::Lag { instance, lag_ms: draw.number(10, 2_000) }.into(),
    |_, _, instance| WatchFault::Break { instance }.into(),
    |draw, _, instance| WatchFault::Loss { instance, count: draw.number(1, 4) }.into(),
];

pub const OBJECTS: &[Maker] = &[
    |draw, _, instance| ObjectsFault::Slow { instance, delay_ms: draw.number(5, 300) }.into(),
    |draw, _, instance| {
        ObjectsFault::Fail {
            instance,
            count: draw.number(1, 4),
            effect: draw.pick(&[Effect::Applied, Effect::Dropped]),
        }
        .into()
    },
    |_, _, instance| ObjectsFault::Outage { instance }.into(),
];

pub const CLOCKS: &[Maker] = &[|draw, _, instance| {
    let by_ms = i64::try_from(draw.number(1_000, 7_200_000)).unwrap_or(0);
    ProcessFault::Clock { instance, by_ms: if draw.chance(50) { by_ms } else { -by_ms } }.into()
}];

pub const POINTS: &[Maker] = &[
    |draw, _, instance| {
        ProcessFault::Point {
            instance,
            point: draw.pick(COMMIT_POINTS).to_owned(),
            occurrence: draw.number(1, 30),
            act: draw.pick(ACTS),
        }
        .into()
    },
    |draw, _, instance| {
        ProcessFault::Point {
            instance,
            point: draw.pick(STEPS).to_owned(),
            occurrence: draw.number(1, 4),
            act: draw.pick(ACTS),
        }
        .into()
    },
];

pub const ACTS: &[PointAct] = &[PointAct::Kill, PointAct::Delay, PointAct::Fail];

/// Code points that every load passes.
const COMMIT_POINTS: &[&str] = &["commit.before_txn", "commit.after_txn"];

/// Every code point of the product. A test compares them with its code.
pub const STEPS: &[&str] = &[
    "archive.after_note",
    "archive.after_publish",
    "archive.after_put",
    "archive.announced",
    "archive.before_note",
    "archive.before_put",
    "archive.checked",
    "bootstrap.before_current",
    "bootstrap.before_head",
    "checkpoint.after_publish",
    "checkpoint.begin",
    "checkpoint.files_written",
    "checkpoint.manifest_written",
    "collect.before_delete",
    "collect.listed",
    "commit.after_object_put",
    "commit.after_txn",
    "commit.before_object_put",
    "commit.before_txn",
    "forward.answered",
    "forward.before_send",
    "forward.handled",
    "import.after_switch",
    "import.before_switch",
    "import.begin",
    "import.current_written",
    "import.lineage_written",
    "import.manifest_written",
    "import.staged",
    "import.tail_archived",
    "purge.after_commit",
    "purge.before_commit",
    "recovery.after_txn",
    "recovery.begin",
    "recovery.fork",
    "recovery.manifest_written",
    "trim.after_txn",
    "trim.before_txn",
    "upgrade.after_raise",
    "upgrade.before_raise",
];

/// One fault that certainly hits, and up to `most` others of the given kinds, between two times.
/// At least one of `kinds` remains switched on.
pub fn faults(draw: &mut Draw, plan: &mut Plan, kinds: &[&[Maker]], most: usize, times: [u64; 2]) {
    let all: Vec<Maker> = kinds.concat();
    let mut on: Vec<Maker> = all.iter().copied().filter(|_| draw.chance(50)).collect();
    if on.is_empty() {
        on.push(draw.pick(&all));
    }
    certain(draw, plan, times);
    for _ in 0..draw.count(0, most) {
        let maker = draw.pick(&on);
        let instance = draw.instance(&plan.topology);
        let what = maker(draw, plan, instance);
        let at_ms = draw.number(times[0], times[1] - 1);
        let for_ms = draw.number(20, 4_000).min(times[1] - at_ms);
        let fault = Fault { at_ms, for_ms, what };
        plan.faults.push(fault);
    }
}

/// A fault under which something must happen, whatever clients do: every instance talks to
/// coordination several times in a lease.
pub fn certain(draw: &mut Draw, plan: &mut Plan, times: [u64; 2]) {
    let instance = draw.instance(&plan.topology);
    let for_ms = plan.settings.lease_ttl_ms;
    let at_ms = draw.number(times[0], times[1] - for_ms);
    let what = match draw.chance(30) {
        true => ProcessFault::Kill { instance }.into(),
        false => CoordinationFault::Slow { instance, delay_ms: draw.number(5, 300) }.into(),
    };
    plan.faults.push(Fault { at_ms, for_ms, what });
}

fn user(draw: &mut Draw, plan: &Plan) -> String {
    match draw.chance(20) {
        true => OPERATOR.to_owned(),
        false => client_name(draw.count(1, plan.topology.clients)),
    }
}

/// An instance, and a user or another instance of its service, in either direction.
fn link(draw: &mut Draw, plan: &Plan, instance: InstanceId) -> [String; 2] {
    let others: Vec<_> = plan.topology.all_ids().filter(|other| other != &instance).collect();
    let among = !others.is_empty() && draw.chance(40);
    let other = if among { draw.pick(&others).host() } else { user(draw, plan) };
    let mut ends = [other, instance.host()];
    if draw.chance(50) {
        ends.reverse();
    }
    ends
}
