//! A plan: everything that one simulation depends on, as data.
//!
//! Invariants: a run is a function of its plan and of the binary, of nothing else; a plan replays
//! without the scenario that made it. Times are simulated milliseconds from the start.
//!
//! Absent on purpose: how a plan comes about (`scenario`), and what a fault does (`fault`).

mod gateway_op;
mod op_kind;
mod operator;
mod topology;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use drydock_core::store::{Durability, StoreSettings, TaskSettings};
pub use gateway_op::GatewayOp;
use jiff::Timestamp;
pub use op_kind::OpKind;
pub use operator::{Action, Damage, Step};
use serde::{Deserialize, Serialize};
pub use topology::Topology;

use crate::fault::{Fault, What};
use crate::workload::PORT;

/// The format this build reads and writes.
pub const FORMAT: u32 = 1;
/// No simulation is longer than this.
pub const MAX_MS: u64 = 3_600_000;
const MAX_INSTANCES: usize = 5;
const MAX_CLIENTS: usize = 16;
const MAX_MEMBERS: usize = 3;
const MAX_NAMES: usize = 50;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub format: u32,
    /// What made it; only for people.
    pub scenario: String,
    /// Drives what the plan leaves open: latencies, the clients' choices, the product's ids.
    pub seed: u64,
    /// The wall clock at the start.
    pub epoch: Timestamp,
    /// What stands in for storage.
    #[serde(default)]
    pub fidelity: Fidelity,
    /// How finely hosts interleave.
    pub tick_ms: u64,
    /// Clients work and faults happen until then.
    pub load_ms: u64,
    /// After that everything must have converged within this time.
    pub settle_ms: u64,
    pub topology: Topology,
    pub settings: Settings,
    pub workload: Workload,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operator: Vec<Step>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// How the product reaches coordination and objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Fidelity {
    /// By the clients that are deployed, to simulated servers on hosts of their own.
    Wire,
    /// The embedded pair of one instance, on a simulated disk.
    #[value(skip)]
    Embedded,
    /// In memory, behind wrappers that carry out faults. Plans that do not say mean this one.
    #[default]
    Direct,
}

/// Settings of the services which matter to interleavings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub batch_transactions: usize,
    pub batch_bytes: usize,
    /// Commits above this go through an object.
    pub inline_bytes: usize,
    pub lease_ttl_ms: u64,
    pub request_timeout_ms: u64,
    #[serde(default = "default_durability")]
    pub durability: Durability,
    #[serde(default = "default_unarchived")]
    pub unarchived_commits: u64,
    /// The product's own; what a plan leaves out is as in production.
    #[serde(default)]
    pub tasks: TaskSettings,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn default_durability() -> Durability {
    StoreSettings::default().durability
}

fn default_unarchived() -> u64 {
    StoreSettings::default().unarchived_commits
}

/// What the clients do until the load ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Clients begin only then.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub from_ms: u64,
    /// How many names the users share: few make contention.
    pub users: usize,
    pub orgs: usize,
    /// Least and greatest time between two calls of one client.
    pub pause_ms: [u64; 2],
    /// How often each operation is chosen, in proportion; absent: never.
    pub weights: BTreeMap<OpKind, u32>,
    /// The same for those who use gateways.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gateway: BTreeMap<GatewayOp, u32>,
}

/// A plan that cannot be used; says where.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("plan `{file}` cannot be read: {source}")]
    Read { file: String, source: std::io::Error },
    #[error("plan `{file}` is not valid: {source}")]
    Syntax { file: String, source: Box<toml::de::Error> },
    #[error("plan `{file}` is not valid: `{field}` {problem}")]
    Meaning { file: String, field: String, problem: String },
}

impl Plan {
    pub fn read(path: &Path) -> Result<Plan, PlanError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Plan::parse(&file, &text),
            Err(source) => Err(PlanError::Read { file, source }),
        }
    }

    /// Reads a plan; `file` is for the error.
    pub fn parse(file: &str, text: &str) -> Result<Plan, PlanError> {
        let plan: Plan = toml::from_str(text).map_err(|source| PlanError::Syntax {
            file: file.to_owned(),
            source: Box::new(source),
        })?;
        plan.check().map_err(|fault| PlanError::Meaning {
            file: file.to_owned(),
            field: fault.field,
            problem: fault.problem,
        })?;
        Ok(plan)
    }

    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every field of a plan has a form in TOML")
    }

    /// `scenario-seed`: how files and reports name it.
    pub fn name(&self) -> String {
        format!("{}-{}", self.scenario, self.seed)
    }

    pub fn end_ms(&self) -> u64 {
        self.load_ms + self.settle_ms
    }

    /// Where every instance listens.
    pub fn addresses(&self) -> Vec<String> {
        let instances = 1..=self.topology.configstores;
        instances.map(|number| format!("{}:{PORT}", instance_name(number))).collect()
    }

    /// All hosts that may be named in a fault of the network.
    pub fn hosts(&self) -> Vec<String> {
        let instances = (1..=self.topology.configstores).map(instance_name);
        let clients = (1..=self.topology.clients).map(client_name);
        let members = (1..=self.topology.etcd_members).map(etcd_name);
        let storage = members.chain([S3_HOST.to_owned()]);
        let storage = storage.filter(|_| self.fidelity == Fidelity::Wire);
        let gateways = (1..=self.topology.gateways).map(gateway_name);
        let instances = instances.chain(gateways);
        instances.chain(clients).chain([OPERATOR.to_owned()]).chain(storage).collect()
    }

    fn check(&self) -> Result<(), Misfit> {
        within("format", u64::from(self.format), 1, u64::from(FORMAT))?;
        within("tick_ms", self.tick_ms, 1, 100)?;
        within("load_ms", self.load_ms, 1, MAX_MS)?;
        within("settle_ms", self.settle_ms, 1, MAX_MS)?;
        let topology = &self.topology;
        let count = topology.configstores as u64;
        let most = if self.fidelity == Fidelity::Embedded { 1 } else { MAX_INSTANCES };
        within("topology.configstores", count, 1, most as u64)?;
        let gateways = topology.gateways as u64;
        within("topology.gateways", gateways, 0, MAX_INSTANCES as u64)?;
        let clients = topology.clients as u64;
        within("topology.clients", clients, 0, MAX_CLIENTS as u64)?;
        let members = topology.etcd_members as u64;
        within("topology.etcd_members", members, 1, MAX_MEMBERS as u64)?;
        within("topology.listing_lag_ms", topology.listing_lag_ms, 0, MAX_MS)?;
        ordered("topology.latency_ms", topology.latency_ms)?;
        ordered("topology.storage_ms", topology.storage_ms)?;
        ordered("workload.pause_ms", self.workload.pause_ms)?;
        within("workload.pause_ms[1]", self.workload.pause_ms[1], 1, MAX_MS)?;
        within("workload.from_ms", self.workload.from_ms, 0, self.load_ms)?;
        let users = self.workload.users as u64;
        within("workload.users", users, 1, MAX_NAMES as u64)?;
        let orgs = self.workload.orgs as u64;
        within("workload.orgs", orgs, 1, MAX_NAMES as u64)?;
        self.check_operator()?;
        for (index, fault) in self.faults.iter().enumerate() {
            let field = format!("faults[{index}]");
            let end = fault.at_ms.saturating_add(fault.for_ms);
            within(&format!("{field}.at_ms + for_ms"), end, 0, self.load_ms)?;
            self.check_fault(&field, &fault.what)?;
        }
        Ok(())
    }

    fn check_operator(&self) -> Result<(), Misfit> {
        let mut kept = Vec::new();
        for (index, step) in self.operator.iter().enumerate() {
            let field = format!("operator[{index}]");
            within(&format!("{field}.at_ms"), step.at_ms, 0, self.load_ms)?;
            self.check_instance(&format!("{field}.instance"), step.instance)?;
            if let Some(gateway) = step.gateway {
                self.check_gateway(&format!("{field}.gateway"), gateway)?;
            }
            match &step.action {
                Action::Export { keep } => kept.push(keep),
                Action::Import { from, .. } if !kept.contains(&from) => {
                    let problem = format!("names `{from}`, which no earlier step keeps");
                    return Err(misfit(format!("{field}.action.import.from"), problem));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_fault(&self, field: &str, what: &What) -> Result<(), Misfit> {
        if let Some(instance) = what.instance() {
            self.check_instance(&format!("{field}.what.instance"), instance)?;
        }
        if let Some(gateway) = what.gateway() {
            self.check_gateway(&format!("{field}.what.gateway"), gateway)?;
        }
        if let Some(member) = what.member() {
            let count = self.topology.etcd_members as u64;
            within(&format!("{field}.what.member"), member as u64, 1, count)?;
        }
        let hosts = self.hosts();
        for host in what.link().into_iter().flatten() {
            if !hosts.iter().any(|known| known == host) {
                let problem = format!("names host `{host}`, the plan has {}", hosts.join(", "));
                return Err(misfit(format!("{field}.what"), problem));
            }
        }
        Ok(())
    }

    fn check_instance(&self, field: &str, instance: usize) -> Result<(), Misfit> {
        let count = self.topology.configstores as u64;
        within(field, instance as u64, 1, count)
    }

    fn check_gateway(&self, field: &str, gateway: usize) -> Result<(), Misfit> {
        within(field, gateway as u64, 1, self.topology.gateways as u64)
    }
}

pub const OPERATOR: &str = "operator";

/// The host of the object store.
pub const S3_HOST: &str = "s3";
pub const S3_PORT: u16 = 9000;
pub const ETCD_PORT: u16 = 2379;

/// The host of a member of etcd, counted from 1.
pub fn etcd_name(member: usize) -> String {
    format!("{ETCD}{member}")
}

pub fn is_etcd(host: &str) -> bool {
    host.starts_with(ETCD)
}

const ETCD: &str = "etcd-";

/// The host of a peer as listeners name it.
pub fn host_of(peer: &str) -> &str {
    peer.rsplit_once(':').map_or(peer, |(host, _)| host)
}

/// The host of an instance, counted from 1.
pub fn instance_name(instance: usize) -> String {
    format!("configstore-{instance}")
}

/// The host of a gateway, counted from 1.
pub fn gateway_name(gateway: usize) -> String {
    format!("gateway-{gateway}")
}

/// The host of a client, counted from 1.
pub fn client_name(client: usize) -> String {
    format!("client-{client}")
}

struct Misfit {
    field: String,
    problem: String,
}

fn misfit(field: impl fmt::Display, problem: impl fmt::Display) -> Misfit {
    Misfit { field: field.to_string(), problem: problem.to_string() }
}

fn within(field: &str, value: u64, least: u64, greatest: u64) -> Result<(), Misfit> {
    if (least..=greatest).contains(&value) {
        return Ok(());
    }
    let problem = format!("is `{value}`, allowed are {least} to {greatest}");
    Err(misfit(field, problem))
}

fn ordered(field: &str, [least, greatest]: [u64; 2]) -> Result<(), Misfit> {
    if least <= greatest && greatest <= MAX_MS {
        return Ok(());
    }
    let problem = format!("is [{least}, {greatest}], wanted are a least and a greatest value");
    Err(misfit(field, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Plan {
        let text = r#"
            format = 1
            scenario = "by-hand"
            seed = 7
            epoch = "2026-11-01T00:00:00Z"
            tick_ms = 2
            load_ms = 10000
            settle_ms = 20000
            topology = { configstores = 3, clients = 2, latency_ms = [0, 3], storage_ms = [0, 5] }

            [settings]
            batch_transactions = 8
            batch_bytes = 65536
            inline_bytes = 4096
            lease_ttl_ms = 3000
            request_timeout_ms = 5000

            [workload]
            users = 4
            orgs = 2
            pause_ms = [5, 50]
            weights = { create_user = 3, get_user = 5 }

            [[operator]]
            at_ms = 1000
            instance = 1
            action = { export = { keep = "a" } }

            [[operator]]
            at_ms = 2000
            instance = 2
            action = { import = { from = "a", damage = "half" } }

            [[faults]]
            at_ms = 3000
            for_ms = 500
            what = { coord_cut = { instance = 3 } }
        "#;
        Plan::parse("sample", text).unwrap()
    }

    fn refused(change: impl FnOnce(&mut Plan)) -> String {
        let mut plan = sample();
        change(&mut plan);
        Plan::parse("p.toml", &plan.to_toml()).unwrap_err().to_string()
    }

    #[test]
    fn a_plan_reads_back_as_it_was_written() {
        let plan = sample();
        assert_eq!(Plan::parse("again", &plan.to_toml()).unwrap(), plan);
    }

    #[test]
    fn an_unknown_field_is_refused_with_file_and_line() {
        let text = sample().to_toml().replace("tick_ms", "tock_ms");
        let error = Plan::parse("p.toml", &text).unwrap_err().to_string();
        for part in ["`p.toml`", "line", "tock_ms"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn values_that_make_no_sense_are_refused_with_their_field() {
        let error = refused(|plan| plan.topology.configstores = 9);
        assert!(error.contains("topology.configstores"), "{error}");
        let error = refused(|plan| plan.faults[0].what = What::CoordCut { instance: 4 });
        assert!(error.contains("faults[0]"), "{error}");
        let error = refused(|plan| plan.faults[0].what = What::GatewayKill { gateway: 1 });
        assert!(error.contains("faults[0].what.gateway"), "{error}");
        let error = refused(|plan| plan.operator[0].gateway = Some(1));
        assert!(error.contains("operator[0].gateway"), "{error}");
        let error = refused(|plan| plan.faults[0].for_ms = 10_000);
        assert!(error.contains("faults[0].at_ms + for_ms"), "{error}");
        let error = refused(|plan| {
            plan.operator.remove(0);
        });
        assert!(error.contains("operator[0].action.import.from"), "{error}");
        let error = refused(|plan| {
            plan.faults[0].what = What::Stall { from: "client-1".into(), to: "mars".into() };
        });
        assert!(error.contains("`mars`"), "{error}");
    }
}
