use std::sync::Arc;

use drydock_core::env::{Env, RngTree};
use drydock_harness::fault::Faults;
use drydock_harness::record::{Ledger, Recorder, Sink};
use drydock_harness::world::host_elapsed;

use super::PassedPoints;
use crate::history::History;
use crate::plan::Plan;
use crate::storage::Storage;
use crate::storage::seams::HostClock;
use crate::timeline::RevisionLog;
use crate::workload::Believed;

/// Everything a run shares between its hosts.
pub struct RunContext {
    pub plan: Arc<Plan>,
    pub rng: RngTree,
    pub recorder: Recorder,
    pub faults: Faults,
    pub history: History,
    pub believed: Believed,
    pub revisions: RevisionLog,
    pub points: PassedPoints,
    /// What executors really did.
    pub ledger: Ledger,
    pub storage: Storage,
}

impl RunContext {
    pub fn new(plan: &Plan, sink: Option<Sink>) -> RunContext {
        let recorder = Recorder::new(host_elapsed, sink);
        let faults = Faults::new(plan.scheduled(), recorder.clone());
        let plan = Arc::new(plan.clone());
        let revisions = RevisionLog::new(&recorder);
        RunContext {
            rng: RngTree::from_seed(plan.seed),
            history: History::new(&recorder),
            believed: Believed::default(),
            points: PassedPoints::default(),
            ledger: Ledger::new(&recorder),
            storage: Storage::new(&plan, &faults, &recorder, &revisions),
            plan,
            revisions,
            recorder,
            faults,
        }
    }

    /// Clocks, randomness and ids of the process `name`; faults may put the clock of `host` off.
    pub fn env(&self, name: &str, host: Option<&str>) -> Env {
        let clock = HostClock::shared(self.plan.epoch, host, &self.faults);
        Env::new(clock, self.rng.child(name))
    }
}
