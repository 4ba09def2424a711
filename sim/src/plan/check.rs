//! What a plan may say: bounds of its numbers, and names that it must know.

use drydock_harness::fleet::Misfit;

use super::fault::FaultKind;
use super::{FORMAT, Fidelity, InstanceId, MAX_MS, OperatorOp, Plan};

const MAX_INSTANCES: usize = 5;
const MAX_CLIENTS: usize = 16;
const MAX_MEMBERS: usize = 3;
const MAX_NAMES: usize = 50;

impl Plan {
    pub(super) fn check_bounds(&self) -> Result<(), Misfit> {
        within("format", u64::from(self.format), 1, u64::from(FORMAT))?;
        within("tick_ms", self.tick_ms, 1, 100)?;
        within("load_ms", self.load_ms, 1, MAX_MS)?;
        within("settle_ms", self.settle_ms, 1, MAX_MS)?;
        let topology = &self.topology;
        let count = topology.configstores() as u64;
        let most = if self.fidelity == Fidelity::Embedded { 1 } else { MAX_INSTANCES };
        within("topology.configstores", count, 1, most as u64)?;
        let runservices = topology.runservices() as u64;
        let most = if self.fidelity == Fidelity::Embedded { 0 } else { MAX_INSTANCES };
        within("topology.runservices", runservices, 0, most as u64)?;
        for (field, count) in
            [("topology.executors", topology.executors), ("topology.pushers", topology.pushers)]
        {
            let most = if runservices == 0 { 0 } else { MAX_CLIENTS };
            within(field, count as u64, 0, most as u64)?;
        }
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
        within("workload.feasible_percent", self.workload.feasible_percent.into(), 0, 100)?;
        within("workload.from_ms", self.workload.from_ms, 0, self.load_ms)?;
        let users = self.workload.users as u64;
        within("workload.users", users, 1, MAX_NAMES as u64)?;
        let orgs = self.workload.orgs as u64;
        within("workload.orgs", orgs, 1, MAX_NAMES as u64)?;
        self.check_operator()?;
        for (index, upgrade) in self.upgrades.iter().enumerate() {
            let field = format!("upgrades[{index}]");
            within(&format!("{field}.at_ms"), upgrade.at_ms, 0, self.load_ms)?;
            self.check_instance(&format!("{field}.instance"), upgrade.instance)?;
        }
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
                OperatorOp::Export { keep } => kept.push(keep),
                OperatorOp::Import { from, .. } if !kept.contains(&from) => {
                    let problem = format!("names `{from}`, which no earlier step keeps");
                    return Err(Misfit::new(format!("{field}.action.import.from"), problem));
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn check_fault(&self, field: &str, what: &FaultKind) -> Result<(), Misfit> {
        if let Some(instance) = what.instance() {
            self.check_instance(&format!("{field}.what.instance"), instance)?;
        }
        if let Some(gateway) = what.process().and_then(|fault| fault.gateway()) {
            self.check_gateway(&format!("{field}.what.gateway"), gateway)?;
        }
        if let Some(executor) = what.process().and_then(|fault| fault.executor()) {
            let count = self.topology.executors as u64;
            within(&format!("{field}.what.executor"), executor as u64, 1, count)?;
        }
        if let Some(member) = what.etcd().and_then(|fault| fault.member()) {
            let count = self.topology.etcd_members as u64;
            within(&format!("{field}.what.member"), member as u64, 1, count)?;
        }
        let hosts = self.hosts();
        for host in what.link().into_iter().flat_map(|fault| fault.hosts()) {
            if !hosts.iter().any(|known| known == host) {
                let problem = format!("names host `{host}`, the plan has {}", hosts.join(", "));
                return Err(Misfit::new(format!("{field}.what"), problem));
            }
        }
        Ok(())
    }

    fn check_instance(&self, field: &str, instance: InstanceId) -> Result<(), Misfit> {
        let count = self.topology.instances(instance.service) as u64;
        within(field, instance.number as u64, 1, count)
    }

    fn check_gateway(&self, field: &str, gateway: usize) -> Result<(), Misfit> {
        within(field, gateway as u64, 1, self.topology.gateways as u64)
    }
}

fn within(field: &str, value: u64, least: u64, greatest: u64) -> Result<(), Misfit> {
    Misfit::unless_within(field, value, least, greatest)
}

fn ordered(field: &str, [least, greatest]: [u64; 2]) -> Result<(), Misfit> {
    if least <= greatest && greatest <= MAX_MS {
        return Ok(());
    }
    let problem = format!("is [{least}, {greatest}], wanted are a least and a greatest value");
    Err(Misfit::new(field, problem))
}
