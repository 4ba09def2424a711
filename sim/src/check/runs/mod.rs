//! The oracles of runservice: those of every store, and those of runs.

mod archives;
mod attempts;
mod fair;
mod fixpoint;
mod groups;
mod logs;
mod numbers;
mod reconcile;
mod records;
mod requests;
mod steps;

use drydock_harness::record::Ledger;

pub use records::walk;

use super::{
    Checks, Evidence, Violation, answers, barrier, checkpoints, converge, exports, imports, log,
    recovery, secrets,
};
use crate::plan::RunSettings;

/// Name and meaning of every oracle of runs.
pub const ORACLES: &[(&str, &str)] = &[
    (steps::ORACLE, "a step of an attempt starts at most once, and what is reported did happen"),
    (groups::ORACLE, "at most one run of a group is running, and they start in their order"),
    (numbers::ORACLE, "the numbers of a project's runs increase and never repeat"),
    (fixpoint::ORACLE, "nothing that follows from a state of a run is left undone"),
    (fair::ORACLE, "a claim gets a task of the project that has the least"),
    (attempts::ORACLE, "final attempts never change, and the limits of all hold"),
    (reconcile::ORACLE, "after an import attempts go on that executors hold, and others are lost"),
    (archives::ORACLE, "a task restores what those above it have saved, and that is kept"),
    (logs::ORACLE, "a log that is called complete, or read, is what its step has printed"),
    (requests::ORACLE, "an acknowledged run is in the log once, and bad input changes nothing"),
];

/// Asks every oracle of runservice.
pub fn all(evidence: &Evidence<'_>, ledger: &Ledger, settings: &RunSettings) -> Checks {
    let mut checks = Checks::default();
    log::check(evidence.timeline, &mut checks);
    checkpoints::check(evidence, &mut checks);
    recovery::check(evidence, &mut checks);
    barrier::check(evidence, &mut checks);
    imports::check(evidence, &mut checks);
    exports::check(evidence, &mut checks);
    secrets::check(evidence, &mut checks);
    answers::check(evidence, &mut checks);
    converge::check(evidence, &mut checks);
    let mut numbers = numbers::Numbers::default();
    let mut requests = requests::Requests::new(evidence.timeline);
    let (entries, output) = (ledger.entries(), ledger.output());
    let mut steps = steps::Steps::new(&entries);
    let mut reconcile = reconcile::Reconcile::new(evidence);
    let mut archives = archives::Archives::new(evidence);
    let mut logs = logs::Logs::new(evidence, &output);
    records::walk(evidence.timeline, |change| {
        fixpoint::look(change, &mut checks);
        groups::look(change, &mut checks);
        numbers.look(change, &mut checks);
        attempts::look(change, settings, &mut checks);
        fair::look(change, settings, &mut checks);
        steps.look(change, &mut checks);
        requests.look(change);
        logs.look(change, &mut checks);
        archives.look(change, &mut checks);
        reconcile.look(change, &mut checks);
    });
    steps.finish(&mut checks);
    requests.finish(evidence, &mut checks);
    logs.finish(&mut checks);
    archives.finish(&mut checks);
    reconcile.finish(evidence, &mut checks);
    checks
}
