use std::collections::BTreeMap;

use drydock_core::store::{Durability, StoreSettings, TaskSettings};
use drydock_harness::fleet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{GatewayOp, InstanceId, OpKind, Runs, Service, Step, Topology, Upgrade};
use crate::plan::fault::Fault;
use crate::plan::hosts::{
    OPERATOR, S3_HOST, client_name, etcd_name, executor_name, gateway_name, pusher_name,
};

/// The format this build reads and writes.
pub const FORMAT: u32 = 1;
/// No simulation is longer than this.
pub const MAX_MS: u64 = 3_600_000;

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
    /// What is made with runservice, if there is any.
    #[serde(default, skip_serializing_if = "Runs::is_none")]
    pub runs: Runs,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operator: Vec<Step>,
    /// The instances that are replaced by ones of the next version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upgrades: Vec<Upgrade>,
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

impl Fidelity {
    /// Its name in plans.
    pub fn name(self) -> &'static str {
        match self {
            Fidelity::Wire => "wire",
            Fidelity::Embedded => "embedded",
            Fidelity::Direct => "direct",
        }
    }
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
    #[serde(default = "default_deletion")]
    pub deletion_objects: usize,
    #[serde(default, skip_serializing_if = "Forwarding::is_none")]
    pub forwarding: Forwarding,
    /// The product's own; what a plan leaves out is as in production.
    #[serde(default)]
    pub tasks: TaskSettings,
}

/// Which instances of a service forward changes to the one that commits for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forwarding {
    #[default]
    None,
    /// All but the first, which is of a version that neither forwards nor leads.
    AllButFirst,
    All,
}

impl Forwarding {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_none(&self) -> bool {
        *self == Forwarding::None
    }

    /// Whether the instance with this number, counted from 1, does.
    pub fn has(self, number: usize) -> bool {
        match self {
            Forwarding::None => false,
            Forwarding::AllButFirst => number > 1,
            Forwarding::All => true,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_zero_percent(number: &u8) -> bool {
    *number == 0
}

fn default_durability() -> Durability {
    StoreSettings::default().durability
}

fn default_unarchived() -> u64 {
    StoreSettings::default().unarchived_commits
}

fn default_deletion() -> usize {
    StoreSettings::default().deletion_objects
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
    /// How many of a hundred calls are drawn until they could succeed, for all that the clients
    /// know. The others are drawn blindly.
    #[serde(default, skip_serializing_if = "is_zero_percent")]
    pub feasible_percent: u8,
}

impl fleet::Plan for Plan {
    fn scenario(&self) -> &str {
        &self.scenario
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn check(&self) -> Result<(), fleet::Misfit> {
        self.check_bounds()
    }
}

impl Plan {
    pub fn end_ms(&self) -> u64 {
        self.load_ms + self.settle_ms
    }

    /// Where every instance of a service listens.
    pub fn addresses(&self, service: Service) -> Vec<String> {
        self.topology.ids(service).map(InstanceId::address).collect()
    }

    /// All hosts that may be named in a fault of the network.
    pub fn hosts(&self) -> Vec<String> {
        let instances = self.topology.instance_hosts();
        let clients = (1..=self.topology.clients).map(client_name);
        let members = (1..=self.topology.etcd_members).map(etcd_name);
        let storage = members.chain([S3_HOST.to_owned()]);
        let storage = storage.filter(|_| self.fidelity == Fidelity::Wire);
        let gateways = (1..=self.topology.gateways).map(gateway_name);
        let executors = (1..=self.topology.executors).map(executor_name);
        let pushers = (1..=self.topology.pushers).map(pusher_name);
        let instances = instances.chain(gateways).chain(executors).chain(pushers);
        instances.chain(clients).chain([OPERATOR.to_owned()]).chain(storage).collect()
    }
}

#[cfg(test)]
mod tests {
    use drydock_harness::fleet::Plan as _;

    use super::*;
    use crate::plan::fault::{CoordinationFault, LinkFault, ProcessFault};

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
        let error = refused(|plan| {
            plan.topology.instances.insert(Service::Configstore, 9);
        });
        assert!(error.contains("topology.configstores"), "{error}");
        let error = refused(|plan| {
            plan.faults[0].what =
                CoordinationFault::Cut { instance: InstanceId::configstore(4) }.into()
        });
        assert!(error.contains("faults[0]"), "{error}");
        let error =
            refused(|plan| plan.faults[0].what = ProcessFault::GatewayKill { gateway: 1 }.into());
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
            plan.faults[0].what =
                LinkFault::Stall { from: "client-1".into(), to: "mars".into() }.into();
        });
        assert!(error.contains("`mars`"), "{error}");
    }
}
