//! How a plan is made smaller: what can be left out of it, and what can be made simpler.

use std::collections::BTreeMap;

use drydock_core::store::{Durability, StoreSettings, TaskSettings};
use drydock_harness::fleet::Reduce;
use drydock_sim_s3::ConditionalWrites;

use super::{Forwarding, Plan, Service, Settings};

/// Times are not made shorter than this, in milliseconds.
const LEAST_MS: u64 = 20;

impl Reduce for Plan {
    /// Faults, the operator's steps, the operations of clients, those of people at gateways, the
    /// calls of pushers, and the shapes of their runs.
    fn lists(&self) -> Vec<usize> {
        let Plan { faults, operator, workload, runs, .. } = self;
        let of_runs = [runs.weights.len(), runs.shapes.len()];
        let of_clients = [workload.weights.len(), workload.gateway.len()];
        [[faults.len(), operator.len()], of_clients, of_runs].concat()
    }

    fn without(&self, list: usize, from: usize, to: usize) -> Plan {
        let mut plan = self.clone();
        match list {
            0 => drop(plan.faults.drain(from..to)),
            1 => drop(plan.operator.drain(from..to)),
            2 => remove(&mut plan.workload.weights, from, to),
            3 => remove(&mut plan.workload.gateway, from, to),
            4 => remove(&mut plan.runs.weights, from, to),
            _ => remove(&mut plan.runs.shapes, from, to),
        }
        plan
    }

    fn simpler(&self) -> Vec<Plan> {
        let mut plans = shorter(self);
        plans.extend(smaller_topologies(self));
        if !self.upgrades.is_empty() {
            plans.push(with(self, |plan| plan.upgrades.clear()));
        }
        plans.extend(settings_by_default(self));
        plans.extend(shorter_faults(self));
        plans
    }
}

/// Leaves out the choices between two places.
fn remove<T: Copy + Ord>(choices: &mut BTreeMap<T, u32>, from: usize, to: usize) {
    let kinds: Vec<_> = choices.keys().copied().collect();
    choices.retain(|kind, _| !kinds[from..to].contains(kind));
}

/// A copy of the plan with one change.
fn with(plan: &Plan, change: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = plan.clone();
    change(&mut plan);
    plan
}

/// With a shorter load, and with everything earlier.
fn shorter(plan: &Plan) -> Vec<Plan> {
    let loads =
        [plan.load_ms / 2, plan.load_ms - plan.load_ms / 4, plan.load_ms - 500.min(plan.load_ms)];
    let loads = loads.into_iter().filter(|load_ms| *load_ms >= LEAST_MS);
    let mut plans: Vec<_> = loads.map(|load_ms| with(plan, |plan| cut(plan, load_ms))).collect();
    let begins = plan.faults.iter().map(|fault| fault.at_ms);
    let begins = begins.chain(plan.operator.iter().map(|step| step.at_ms)).min().unwrap_or(0);
    if begins >= 2 * LEAST_MS {
        plans.push(with(plan, |plan| begin_earlier(plan, begins / 2)));
    }
    plans
}

/// Ends the load earlier. Faults and steps that would begin after it are left out.
fn cut(plan: &mut Plan, load_ms: u64) {
    plan.load_ms = load_ms;
    plan.workload.from_ms = plan.workload.from_ms.min(load_ms);
    plan.operator.retain(|step| step.at_ms <= load_ms);
    plan.faults.retain(|fault| fault.at_ms < load_ms);
    for upgrade in &mut plan.upgrades {
        upgrade.at_ms = upgrade.at_ms.min(load_ms);
    }
    for fault in &mut plan.faults {
        fault.for_ms = fault.for_ms.min(load_ms - fault.at_ms);
    }
}

fn begin_earlier(plan: &mut Plan, by_ms: u64) {
    plan.load_ms -= by_ms;
    plan.workload.from_ms = plan.workload.from_ms.saturating_sub(by_ms);
    for step in &mut plan.operator {
        step.at_ms -= by_ms;
    }
    for fault in &mut plan.faults {
        fault.at_ms -= by_ms;
    }
    for upgrade in &mut plan.upgrades {
        upgrade.at_ms = upgrade.at_ms.saturating_sub(by_ms);
    }
}

fn smaller_topologies(plan: &Plan) -> Vec<Plan> {
    let mut plans = Vec::new();
    let topology = &plan.topology;
    for clients in smaller(topology.clients) {
        plans.push(fitting(with(plan, |plan| plan.topology.clients = clients)));
    }
    for pushers in smaller(topology.pushers) {
        plans.push(fitting(with(plan, |plan| plan.topology.pushers = pushers)));
    }
    for executors in smaller(topology.executors) {
        plans.push(fitting(with(plan, |plan| plan.topology.executors = executors)));
    }
    for service in Service::ALL {
        for count in smaller(topology.instances(service)) {
            let change = |plan: &mut Plan| {
                plan.topology.instances.insert(service, count);
            };
            plans.push(fitting(with(plan, change)));
        }
    }
    for gateways in smaller(topology.gateways) {
        plans.push(fitting(with(plan, |plan| plan.topology.gateways = gateways)));
    }
    for members in smaller(topology.etcd_members) {
        plans.push(fitting(with(plan, |plan| plan.topology.etcd_members = members)));
    }
    for users in smaller(plan.workload.users) {
        plans.push(with(plan, |plan| plan.workload.users = users));
    }
    if plan.workload.feasible_percent > 0 {
        plans.push(with(plan, |plan| plan.workload.feasible_percent = 0));
    }
    for orgs in smaller(plan.workload.orgs) {
        plans.push(with(plan, |plan| plan.workload.orgs = orgs));
    }
    if topology.listing_lag_ms > 0 {
        plans.push(with(plan, |plan| plan.topology.listing_lag_ms = 0));
    }
    if topology.conditional_writes != ConditionalWrites::default() {
        let change = |plan: &mut Plan| plan.topology.conditional_writes = Default::default();
        plans.push(with(plan, change));
    }
    plans
}

/// Smaller counts, the boldest first: one, the half, one less.
fn smaller(count: usize) -> Vec<usize> {
    let mut counts = vec![1, count / 2, count.saturating_sub(1)];
    counts.retain(|smaller| (1..count).contains(smaller));
    counts.dedup();
    counts
}

/// Leaves out the faults of hosts that the plan does not have any more, and asks the first instance
/// in place of one that is gone.
fn fitting(mut plan: Plan) -> Plan {
    let gateways = plan.topology.gateways;
    for step in &mut plan.operator {
        if step.instance.number > plan.topology.instances(step.instance.service) {
            step.instance.number = 1;
        }
        if step.gateway.is_some_and(|gateway| gateway > gateways) {
            step.gateway = (gateways > 0).then_some(1);
        }
    }
    let configstores = plan.topology.configstores();
    plan.upgrades.retain(|upgrade| upgrade.instance.number <= configstores);
    let faults = std::mem::take(&mut plan.faults);
    let fits = faults.into_iter().filter(|fault| plan.check_fault("", &fault.what).is_ok());
    plan.faults = fits.collect();
    plan
}

fn settings_by_default(plan: &Plan) -> Vec<Plan> {
    let stored = StoreSettings::default();
    let default = Settings {
        batch_transactions: stored.batch_transactions,
        batch_bytes: stored.batch_bytes,
        inline_bytes: stored.inline_bytes,
        durability: Durability::Quorum,
        unarchived_commits: stored.unarchived_commits,
        deletion_objects: stored.deletion_objects,
        forwarding: Forwarding::None,
        ..plan.settings.clone()
    };
    let mut plans = vec![
        with(plan, |plan| plan.settings = default.clone()),
        with(plan, |plan| plan.settings.tasks = TaskSettings::default()),
        with(plan, |plan| plan.settings.batch_transactions = default.batch_transactions),
        with(plan, |plan| plan.settings.batch_bytes = default.batch_bytes),
        with(plan, |plan| plan.settings.inline_bytes = default.inline_bytes),
        with(plan, |plan| plan.settings.durability = default.durability),
        with(plan, |plan| plan.settings.unarchived_commits = default.unarchived_commits),
        with(plan, |plan| plan.settings.deletion_objects = default.deletion_objects),
        with(plan, |plan| plan.settings.forwarding = default.forwarding),
    ];
    plans.retain(|simpler| simpler != plan);
    plans
}

fn shorter_faults(plan: &Plan) -> Vec<Plan> {
    let long = plan.faults.iter().enumerate().filter(|(_, fault)| fault.for_ms >= 2 * LEAST_MS);
    let halve =
        |(index, _): (usize, _)| with(plan, |plan: &mut Plan| plan.faults[index].for_ms /= 2);
    long.map(halve).collect()
}

#[cfg(test)]
mod tests {
    use drydock_harness::fleet::Plan as _;

    use super::*;
    use crate::plan::Fidelity;
    use crate::scenario::ALL;

    fn plans() -> impl Iterator<Item = Plan> {
        ALL.iter().flat_map(|scenario| (1..4).map(|seed| scenario.plan(seed, Fidelity::Wire)))
    }

    #[test]
    fn simpler_plans_fit_and_differ() {
        for plan in plans() {
            for simpler in plan.simpler() {
                assert_ne!(simpler, plan);
                // What an operator imports may be cut off with its export: such a plan is not run.
                if let Err(fault) = simpler.check() {
                    assert!(
                        fault.field.starts_with("operator"),
                        "{}: {}",
                        fault.field,
                        fault.problem
                    );
                }
            }
        }
    }

    #[test]
    fn making_simpler_comes_to_an_end() {
        for mut plan in plans() {
            let mut steps = 0;
            while let Some(simpler) = plan.simpler().into_iter().next() {
                plan = simpler;
                steps += 1;
                assert!(steps < 1_000, "{} goes on for ever", plan.name());
            }
            assert_eq!((plan.topology.clients, plan.topology.configstores()), (1, 1));
        }
    }

    #[test]
    fn every_element_of_a_list_can_be_left_out() {
        for plan in plans() {
            for (list, length) in plan.lists().into_iter().enumerate() {
                for nth in 0..length {
                    let smaller = plan.without(list, nth, nth + 1);
                    assert_eq!(smaller.lists()[list], length - 1);
                }
            }
        }
    }
}
