use std::sync::Arc;

use drydock_core::env::{Env, RngTree};

use super::PassedPoints;
use crate::fault::Faults;
use crate::history::History;
use crate::plan::Plan;
use crate::recorder::{Recorder, Sink};
use crate::storage::Storage;
use crate::timeline::RevisionLog;
use crate::world::SimClock;

/// Everything a run shares between its hosts.
pub struct RunContext {
    pub plan: Arc<Plan>,
    pub rng: RngTree,
    pub recorder: Recorder,
    pub faults: Faults,
    pub history: History,
    pub revisions: RevisionLog,
    pub points: PassedPoints,
    pub storage: Storage,
}

impl RunContext {
    pub fn new(plan: &Plan, sink: Option<Sink>) -> RunContext {
        let recorder = Recorder::new(sink);
        let faults = Faults::new(plan.faults.clone(), recorder.clone());
        let plan = Arc::new(plan.clone());
        let revisions = RevisionLog::new(&recorder);
        RunContext {
            rng: RngTree::from_seed(plan.seed),
            history: History::new(&recorder),
            points: PassedPoints::default(),
            storage: Storage::new(&plan, &faults, &recorder, &revisions),
            plan,
            revisions,
            recorder,
            faults,
        }
    }

    /// Clocks, randomness and code points of a host; `instance` is one of the service's.
    pub fn env(&self, host: &str, instance: Option<usize>) -> Env {
        let clock = SimClock::shared(self.plan.epoch, instance, &self.faults);
        Env::new(clock, self.rng.child(host))
    }
}
