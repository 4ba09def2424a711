//! Every code point of the product, struck in every way, as the seeds go by.

use drydock_core::store::Durability;

use super::Draw;
use super::imports::{self, IMPORT_POINTS};
use super::losses::hurry;
use super::swarm::{self, ACTS, STEPS};
use super::upgrades;
use crate::plan::fault::{CoordinationFault, Fault, ProcessFault};
use crate::plan::{Forwarding, OpKind, Plan, Service};

const LOAD_MS: u64 = 20_000;
/// When the coordination store is lost or set back, if the step needs that.
const LOSS_MS: u64 = 5_000;

pub fn every_step(draw: &mut Draw) -> Plan {
    let cells = STEPS.len() * ACTS.len();
    let cell = usize::try_from(draw.seed).unwrap_or(0) % cells;
    let (point, act) = (STEPS[cell / ACTS.len()], ACTS[cell % ACTS.len()]);
    let is_forward = point.starts_with("forward.");
    let configstores = draw.count(if is_forward { 2 } else { 1 }, 3);
    let mut plan = swarm::base(draw, configstores, LOAD_MS);
    hurry(draw, &mut plan);
    if is_forward {
        plan.settings.forwarding = Forwarding::All;
    }
    // There is always something to commit.
    plan.workload.weights.insert(OpKind::DeleteUser, 4);
    // Every commit refers to an object, half of the time.
    if draw.chance(50) || point.starts_with("commit.") {
        plan.settings.inline_bytes = 1;
    }
    plan.settings.tasks.window_commits = draw.pick(&[0, 1, 5]);
    let (at_ms, occurrence) = reach(draw, &mut plan, point);
    let for_ms = draw.number(100, 6_000);
    for instance in plan.topology.ids(Service::Configstore) {
        let what =
            ProcessFault::Point { instance, point: point.to_owned(), occurrence, act }.into();
        plan.faults.push(Fault { at_ms, for_ms, what });
    }
    // A step need not be passed in that time.
    swarm::certain(draw, &mut plan, [1_000, LOAD_MS]);
    plan
}

/// Brings the product to that step; when it is watched for, and which of its passings is meant.
fn reach(draw: &mut Draw, plan: &mut Plan, point: &str) -> (u64, u64) {
    if point.starts_with("bootstrap.") {
        return (0, 1);
    }
    if point == "recovery.fork" {
        // Objects must not know more than the backup.
        plan.settings.durability = Durability::Quorum;
        plan.settings.tasks.archive_period_ms = LOAD_MS;
        plan.settings.tasks.checkpoint_period_ms = LOAD_MS;
        let what = CoordinationFault::SetBack { age_ms: draw.number(500, 2_000) }.into();
        plan.faults.push(Fault { at_ms: LOSS_MS, for_ms: draw.number(50, 500), what });
        return (LOSS_MS, 1);
    }
    if point.starts_with("recovery.") {
        let for_ms = draw.number(50, 2_000);
        plan.faults.push(Fault { at_ms: LOSS_MS, for_ms, what: CoordinationFault::Lost {}.into() });
        return (LOSS_MS, 1);
    }
    if point.starts_with("upgrade.") {
        upgrades::roll(draw, plan);
        return (1_000, 1);
    }
    if IMPORT_POINTS.contains(&point) {
        imports::there_and_back(draw, plan);
        return (1_000, 1);
    }
    let at_ms = draw.number(500, 4_000);
    // Tasks change instances, and pass a step now and then; commits pass theirs all the time.
    let later = draw.number(1, 3);
    let often = point.starts_with("commit.") || point.starts_with("forward.");
    (at_ms, if often { later } else { 1 })
}
