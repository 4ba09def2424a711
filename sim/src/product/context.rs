use std::sync::Arc;

use drydock_core::env::{Env, RngTree};
use drydock_core::error::Chain;
use drydock_harness::fault::Faults;
use drydock_harness::fleet::Plan as _;
use drydock_harness::record::trace::{self, Header};
use drydock_harness::record::{About, Cause, Ledger, Recorder, Seq, Sink};
use drydock_harness::world::host_elapsed;

use super::PassedPoints;
use crate::history::History;
use crate::plan::Plan;
use crate::plan::hosts::{
    OPERATOR, client_name, etcd_name, executor_name, gateway_name, machine_name, pusher_name,
};
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
    pub fn new(plan: &Plan, sink: Option<Sink>, trace: Option<Sink>) -> RunContext {
        let recorder = Recorder::new(host_elapsed, sink);
        let recorder = match trace {
            Some(sink) => recorder.traced(&trace_header(plan), sink),
            None => recorder,
        };
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

    /// A process on `host` starts.
    pub fn starts(&self, host: &str, start: u64) -> Seq {
        let text = format_args!("starts for the {start}. time");
        self.recorder.note(host, text, || About::new("process").with("start", start).text(text))
    }

    pub fn stopped(&self, host: &str, started: Seq) {
        self.recorder.note(host, format_args!("stopped"), || {
            About::end(Cause::Event(started)).with("outcome", "ok").text("stopped")
        });
    }

    pub fn failed(&self, host: &str, started: Seq, error: &(dyn std::error::Error + 'static)) {
        let text = Chain(error).to_string();
        self.recorder.note(host, format_args!("failed: {text}"), || {
            About::end(Cause::Event(started)).with("outcome", "failed").text(&text)
        });
    }

    /// Clocks, randomness and ids of the process `name`; faults may put the clock of `host` off.
    pub fn env(&self, name: &str, host: Option<&str>) -> Env {
        let clock = HostClock::shared(self.plan.epoch, host, &self.faults);
        Env::new(clock, self.rng.child(name))
    }
}

/// What a trace begins with.
fn trace_header(plan: &Plan) -> Header {
    let topology = &plan.topology;
    let people = (1..=topology.clients).map(client_name);
    let pushers = (1..=topology.pushers).map(pusher_name);
    let gateways = (1..=topology.gateways).map(gateway_name);
    let executors = 1..=topology.executors;
    let executors = executors.flat_map(|number| [executor_name(number), machine_name(number)]);
    let members = (1..=topology.etcd_members).map(etcd_name);
    let hosts = std::iter::once(OPERATOR.to_owned()).chain(people).chain(pushers).chain(gateways);
    let hosts = hosts.chain(topology.instance_hosts()).chain(executors).chain(members);
    Header {
        trace: trace::VERSION,
        program: "drydock-sim".to_owned(),
        scenario: plan.scenario.clone(),
        seed: plan.seed,
        fidelity: plan.fidelity.name().to_owned(),
        hosts: hosts.collect(),
        plan: plan.to_toml(),
    }
}
