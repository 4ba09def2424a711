//! Export and import as inverses, also when the importing process dies.

use drydock_harness::fault::PointAct;

use super::Draw;
use super::swarm::{self, COORDINATION, LINKS, OBJECTS, PROCESSES, WATCHES};
use crate::plan::fault::{Fault, ProcessFault};
use crate::plan::{Damage, InstanceId, OperatorOp, Plan, Step};

/// Every code point of an import. A test compares it with what an import passes.
pub const IMPORT_POINTS: &[&str] = &[
    "import.begin",
    "import.tail_archived",
    "import.staged",
    "import.lineage_written",
    "import.manifest_written",
    "import.before_switch",
    "import.after_switch",
    "import.current_written",
];

const WAIT_MS: u64 = 8_000;

struct Steps<'a> {
    plan: &'a mut Plan,
    instance: InstanceId,
    at_ms: u64,
}

impl Steps<'_> {
    fn then(&mut self, after_ms: u64, action: OperatorOp) {
        self.at_ms += after_ms;
        let at_ms = self.at_ms.min(self.plan.load_ms);
        self.plan.operator.push(Step::new(at_ms, self.instance, action));
    }

    fn export(&mut self, after_ms: u64, keep: &str) {
        let keep = keep.to_owned();
        self.then(after_ms, OperatorOp::Export { keep });
    }

    fn import(&mut self, after_ms: u64, from: &str, damage: Option<Damage>, dry_run: bool) {
        let from = from.to_owned();
        let action = OperatorOp::Import { from, damage, dry_run };
        self.then(after_ms, action);
    }
}

pub fn round_trip(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 4);
    let mut plan = swarm::base(draw, configstores, 20_000);
    let instance = draw.configstore(configstores);
    let at_ms = draw.number(2_000, 4_000);
    let mut steps = Steps { plan: &mut plan, instance, at_ms };
    steps.then(0, OperatorOp::Maintenance { wait_ms: WAIT_MS });
    steps.export(0, "whole");
    for _ in 0..draw.count(1, 4) {
        steps.import(100, "whole", Some(draw.pick(Damage::ALL)), draw.chance(20));
    }
    if draw.chance(50) {
        steps.import(100, "whole", None, true);
    }
    steps.export(100, "still-whole");
    steps.import(100, "whole", None, false);
    steps.export(100, "after");
    steps.then(500, OperatorOp::Resume { wait_ms: WAIT_MS });
    // Outside maintenance it must be refused.
    if draw.chance(50) {
        steps.import(1_000, "after", None, false);
    }
    let kinds = [PROCESSES, LINKS, COORDINATION, OBJECTS, WATCHES];
    swarm::faults(draw, &mut plan, &kinds, 4, [1_000, 20_000]);
    plan
}

pub fn restore(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 4);
    let mut plan = swarm::base(draw, configstores, 24_000);
    let mut steps = Steps {
        instance: draw.configstore(configstores),
        at_ms: draw.number(1_500, 3_000),
        plan: &mut plan,
    };
    steps.export(0, "old");
    for _ in 0..draw.count(1, 2) {
        steps.then(draw.number(1_500, 4_000), OperatorOp::Maintenance { wait_ms: WAIT_MS });
        steps.export(0, "before");
        steps.import(100, "old", None, false);
        steps.export(100, "after");
        if draw.chance(50) {
            steps.then(200, OperatorOp::GoBack { to: "before".to_owned() });
            steps.export(100, "back");
        }
        steps.then(200, OperatorOp::Resume { wait_ms: WAIT_MS });
    }
    let kinds = [PROCESSES, LINKS, COORDINATION, OBJECTS, WATCHES];
    swarm::faults(draw, &mut plan, &kinds, 4, [1_000, 24_000]);
    plan
}

pub fn killed(draw: &mut Draw) -> Plan {
    let configstores = draw.count(1, 3);
    let mut plan = swarm::base(draw, configstores, 24_000);
    let instance = there_and_back(draw, &mut plan);
    // One step after the other, as the seeds go by.
    let step = usize::try_from(draw.seed % IMPORT_POINTS.len() as u64).unwrap_or(0);
    plan.faults.push(Fault {
        at_ms: 1_000,
        for_ms: draw.number(100, 2_000),
        what: ProcessFault::Point {
            instance,
            point: IMPORT_POINTS[step].to_owned(),
            occurrence: 1,
            act: PointAct::Kill,
        }
        .into(),
    });
    if draw.chance(30) {
        swarm::faults(draw, &mut plan, &[COORDINATION, OBJECTS], 2, [1_000, 24_000]);
    }
    plan
}

/// An export is imported, at one instance, and again if that went wrong.
pub fn there_and_back(draw: &mut Draw, plan: &mut Plan) -> InstanceId {
    let instance = draw.configstore(plan.topology.configstores());
    let mut steps = Steps { plan, instance, at_ms: 2_000 };
    steps.export(0, "old");
    steps.then(1_500, OperatorOp::Maintenance { wait_ms: WAIT_MS });
    steps.import(100, "old", None, false);
    // If the process is dead and comes back, the operator looks, and tries again.
    steps.then(2_000, OperatorOp::Maintenance { wait_ms: WAIT_MS });
    steps.export(100, "between");
    if draw.chance(70) {
        steps.import(100, "old", None, false);
    }
    steps.export(100, "after");
    steps.then(500, OperatorOp::Resume { wait_ms: WAIT_MS });
    instance
}
