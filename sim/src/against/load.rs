//! What is done to a deployment: everything that clients of simulations do, and an operator who
//! exports, imports and goes back.

use std::collections::BTreeMap;
use std::time::Duration;

use drydock_core::store::StoreSettings;
use jiff::Timestamp;

use super::deployment::Deployment;
use crate::plan::{
    Damage, FORMAT, Fidelity, Forwarding, InstanceId, OpKind, OperatorOp, Plan, Runs, Service,
    Settings, Step, Topology, Workload,
};
use drydock_sim_s3::ConditionalWrites;

/// Few enough that calls meet each other, so many that their histories can be searched.
const USERS: usize = 24;
const ORGS: usize = 6;
const PAUSE_MS: [u64; 2] = [5, 40];
/// Clients give up early: whoever asks an instance that stands still has others to ask.
const REQUEST_MS: u64 = 5_000;
const FEASIBLE_PERCENT: u8 = 80;
/// For maintenance to be ready: longer than a lease.
const WAIT_MS: u64 = 30_000;
/// How long everything may take to converge when the load is over.
const SETTLE_MS: u64 = 120_000;

const WEIGHTS: [(OpKind, u32); 22] = [
    (OpKind::CreateUser, 6),
    (OpKind::GetUser, 4),
    (OpKind::RenameUser, 3),
    (OpKind::DeleteUser, 4),
    (OpKind::ListUsers, 1),
    (OpKind::CreateOrg, 5),
    (OpKind::DeleteOrg, 2),
    (OpKind::SetMember, 5),
    (OpKind::RemoveMember, 1),
    (OpKind::ListMembers, 1),
    (OpKind::CreateGroup, 8),
    (OpKind::MoveGroup, 2),
    (OpKind::DeleteGroup, 1),
    (OpKind::ListGroups, 1),
    (OpKind::CreateProject, 8),
    (OpKind::GetProject, 2),
    (OpKind::DeleteProject, 2),
    (OpKind::CreateSecret, 4),
    (OpKind::ChangeSecret, 3),
    (OpKind::CreateVariable, 4),
    (OpKind::Environment, 2),
    (OpKind::Export, 1),
];

/// A plan for this deployment. Of its settings only those count that clients have.
pub fn plan(deployment: &Deployment, seed: u64, clients: usize, time: Duration) -> Plan {
    let load_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let store = StoreSettings::default();
    let inside = deployment.inside.as_ref().ok();
    let configstores = deployment.instances.len();
    Plan {
        format: FORMAT,
        scenario: "against".to_owned(),
        seed,
        epoch: Timestamp::UNIX_EPOCH,
        fidelity: Fidelity::Wire,
        tick_ms: 1,
        load_ms,
        settle_ms: SETTLE_MS,
        topology: Topology {
            instances: [(Service::Configstore, configstores)].into(),
            gateways: 0,
            clients,
            pushers: 0,
            executors: 0,
            latency_ms: [0, 0],
            storage_ms: [0, 0],
            etcd_members: 1,
            etcd_quota_bytes: 0,
            listing_lag_ms: 0,
            conditional_writes: ConditionalWrites::default(),
        },
        settings: Settings {
            batch_transactions: store.batch_transactions,
            batch_bytes: store.batch_bytes,
            inline_bytes: store.inline_bytes,
            lease_ttl_ms: 0,
            request_timeout_ms: REQUEST_MS,
            durability: inside.map_or(store.durability, |inside| inside.durability),
            unarchived_commits: inside.map_or(store.unarchived_commits, |inside| inside.unarchived),
            deletion_objects: store.deletion_objects,
            forwarding: Forwarding::default(),
            tasks: store.tasks,
        },
        workload: Workload {
            from_ms: 0,
            users: USERS,
            orgs: ORGS,
            pause_ms: PAUSE_MS,
            weights: BTreeMap::from(WEIGHTS),
            gateway: BTreeMap::new(),
            feasible_percent: FEASIBLE_PERCENT,
        },
        runs: Runs::default(),
        operator: operator(load_ms, configstores),
        upgrades: Vec::new(),
        faults: Vec::new(),
    }
}

/// Exports, imports and the way back, each at another instance.
fn operator(load_ms: u64, instances: usize) -> Vec<Step> {
    let export = |keep: &str| OperatorOp::Export { keep: keep.to_owned() };
    let import = |from: &str, damage, dry_run| {
        let from = from.to_owned();
        OperatorOp::Import { from, damage, dry_run }
    };
    // In percent of the load.
    let steps = [
        (10, export("old")),
        (30, OperatorOp::Maintenance { wait_ms: WAIT_MS }),
        (30, export("before")),
        (30, import("before", Some(Damage::Half), false)),
        (30, import("before", Some(Damage::Doubled), false)),
        (30, import("before", None, true)),
        (30, import("old", None, false)),
        (30, export("after")),
        (35, OperatorOp::Resume { wait_ms: WAIT_MS }),
        (60, OperatorOp::Maintenance { wait_ms: WAIT_MS }),
        (60, OperatorOp::GoBack { to: "before".to_owned() }),
        (60, export("back")),
        (65, OperatorOp::Resume { wait_ms: WAIT_MS }),
        (80, export("late")),
    ];
    let steps = steps.into_iter().enumerate();
    steps
        .map(|(nth, (percent, action))| {
            let instance = InstanceId::configstore(nth % instances + 1);
            Step::new(load_ms / 100 * percent, instance, action)
        })
        .collect()
}
