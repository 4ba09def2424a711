//! Runs one plan in this process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use drydock_core::env::{Env, RngTree};
use drydock_core::log::keys::ObjectKeys;
use drydock_core::net::SharedNet;
use tokio_util::sync::CancellationToken;

use crate::check::{self, Checks, Evidence, Violation};
use crate::fault::{Faults, PassedPoints, PointAct, What};
use crate::gateway::Gateway;
use crate::history::History;
use crate::log::Log;
use crate::outcome::{Outcome, Verdict};
use crate::plan::{OPERATOR, Plan, client_name, gateway_name, instance_name};
use crate::probes;
use crate::recorder::{Recorder, Sink};
use crate::service::{CLUSTER, Instance, SERVICE};
use crate::storage::Storage;
use crate::stored::Stored;
use crate::truth::{Truth, Witness};
use crate::workload::{self, Finals, GatewayApi, HttpApi, Session, SharedFinals};
use crate::world::{Cluster, SimClock, Stop};

/// Everything a run shares between its hosts.
pub struct Shared {
    pub plan: Arc<Plan>,
    pub rng: RngTree,
    pub recorder: Recorder,
    pub faults: Faults,
    pub history: History,
    pub witness: Witness,
    pub points: PassedPoints,
    pub storage: Storage,
    finals: SharedFinals,
    /// Clients and operators that are still at work.
    busy: Arc<Mutex<usize>>,
}

impl Shared {
    fn new(plan: &Plan, sink: Option<Sink>) -> Shared {
        let recorder = Recorder::new(sink);
        let faults = Faults::new(plan.faults.clone(), recorder.clone());
        let plan = Arc::new(plan.clone());
        let witness = Witness::new(&recorder);
        Shared {
            rng: RngTree::from_seed(plan.seed),
            history: History::new(&recorder),
            points: PassedPoints::default(),
            storage: Storage::new(&plan, &faults, &recorder, &witness),
            plan,
            witness,
            finals: SharedFinals::default(),
            busy: Arc::default(),
            recorder,
            faults,
        }
    }

    /// Clocks, randomness and code points of a host; `instance` is one of the service's.
    pub fn env(&self, host: &str, instance: Option<usize>) -> Env {
        let clock = SimClock::shared(self.plan.epoch, instance, &self.faults);
        Env::new(clock, self.rng.child(host))
    }

    fn session(&self, cluster: &Cluster, host: &str) -> Session {
        let timeout_ms = self.plan.settings.request_timeout_ms;
        let timeout = std::time::Duration::from_millis(timeout_ms);
        let net: SharedNet = Arc::new(cluster.net(host));
        Session {
            host: host.to_owned(),
            api: Arc::new(HttpApi {
                host: host.to_owned(),
                instances: self.plan.addresses(),
                gateways: GatewayApi::new(net.clone(), timeout),
                net,
                token: crate::service::token(),
                timeout,
                patience: timeout,
                clients: Mutex::default(),
            }),
            history: self.history.clone(),
            recorder: self.recorder.clone(),
            rng: Mutex::new(self.rng.child(host).stream("session")),
            elsewhere: None,
            stop: CancellationToken::new(),
        }
    }
}

/// What a run needs besides its plan; none of it changes what happens.
#[derive(Default)]
pub struct Options {
    /// Where every event is written to.
    pub sink: Option<Sink>,
    /// Ends the run there, without asking the oracles.
    pub until_ms: Option<u64>,
}

/// Runs a plan. Takes the process's panic hook meanwhile.
pub fn run(plan: &Plan, options: Options) -> Outcome {
    let panics: Arc<Mutex<Vec<Panic>>> = Arc::default();
    watch_panics(&panics);
    let shared = Arc::new(Shared::new(plan, options.sink));
    let until_ms = options.until_ms.unwrap_or(plan.end_ms());
    let log = Log::listen(plan);
    let ran = catch_unwind(AssertUnwindSafe(|| simulate(plan, &shared, until_ms)));
    let mut checks = Checks::default();
    let mut broken = None;
    let mut simulated_ms = 0;
    match ran {
        Ok(Ok(ms)) => simulated_ms = ms,
        Ok(Err(error)) => broken = Some(error.to_string()),
        Err(_) => {}
    }
    let _ = std::panic::take_hook();
    let panics = panics.lock().map(|panics| panics.clone()).unwrap_or_default();
    // Others follow from the first one.
    match panics.first().filter(|panic| !panic.is_harness()) {
        Some(panic) => checks.violated(Violation::new(
            "panic",
            "the product panicked",
            panic.message.clone(),
            panic.place.clone(),
        )),
        None => broken = panics.first().map(Panic::to_string).or(broken),
    }
    let truth = truth(&shared);
    if broken.is_none() && checks.violations.is_empty() && options.until_ms.is_none() {
        checks = look(&shared, &truth, &log);
    }
    let operations = shared.history.operations();
    let mut outcome = Outcome {
        scenario: plan.scenario.clone(),
        seed: plan.seed,
        verdict: Verdict::Fine,
        broken,
        fingerprint: shared.recorder.fingerprint(),
        events: shared.recorder.count(),
        simulated_ms,
        operations: operations.len() as u64,
        faults: shared.faults.report(),
        points: owned(shared.points.all()),
        probes: probes::count(&truth, &operations, &shared),
        checks,
    };
    outcome.verdict = outcome.judge();
    outcome
}

fn owned(
    points: std::collections::BTreeMap<&'static str, u64>,
) -> std::collections::BTreeMap<String, u64> {
    points.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

fn look(shared: &Shared, truth: &Truth, log: &Log) -> Checks {
    let operations = shared.history.operations();
    let finals: Finals = shared.finals.lock().expect("no holder of this lock panics").clone();
    let injected = shared
        .plan
        .faults
        .iter()
        .any(|fault| matches!(fault.what, What::Point { act: PointAct::Fail, .. }));
    let settings = &shared.plan.settings;
    check::all(&Evidence {
        operations: &operations,
        exact: &operations,
        exactly: &|seq| (seq, seq),
        instances: &shared.plan.addresses(),
        truth,
        finals: &finals,
        keys: &crate::service::keys(),
        durability: settings.durability,
        unarchived: settings.unarchived_commits,
        injected,
        log: Some(log),
    })
}

fn simulate(
    plan: &Plan,
    shared: &Arc<Shared>,
    until_ms: u64,
) -> Result<u64, Box<dyn std::error::Error>> {
    let mut cluster = Cluster::new(plan, &shared.faults, &shared.recorder);
    let scratch = tempfile::tempdir()?;
    shared.storage.add_to(&mut cluster);
    for instance in 1..=plan.topology.configstores {
        let host = instance_name(instance);
        let folder = scratch.path().join(&host);
        std::fs::create_dir(&folder)?;
        let stop = Stop::default();
        let net = cluster.net(&host);
        let process = Instance::new(shared, instance, net, stop.clone(), folder);
        cluster.host(&host, stop, move || process.clone().supervise());
    }
    for gateway in 1..=plan.topology.gateways {
        let host = gateway_name(gateway);
        let stop = Stop::default();
        let process = Gateway::new(shared, gateway, cluster.net(&host), stop.clone());
        cluster.host(&host, stop, move || process.clone().supervise());
    }
    *shared.busy.lock().expect("no holder of this lock panics") = plan.topology.clients + 1;
    for number in 1..=plan.topology.clients {
        let host = client_name(number);
        let session = shared.session(&cluster, &host);
        let (shared, plan) = (shared.clone(), shared.plan.clone());
        cluster.client(&host, async move {
            match plan.topology.gateways {
                0 => workload::client(&plan, &session).await,
                _ => workload::person(&plan, &session, number).await,
            }
            shared.done();
        });
    }
    let session = shared.session(&cluster, OPERATOR);
    let (for_operator, for_plan) = (shared.clone(), shared.plan.clone());
    cluster.client(OPERATOR, async move {
        workload::operator(&for_plan, &session, &for_operator.finals).await;
        for_operator.done();
    });
    shared.storage.settle(&cluster);
    cluster.run(until_ms, || shared.is_done())?;
    Ok(cluster.now_ms())
}

impl Shared {
    fn done(&self) {
        *self.busy.lock().expect("no holder of this lock panics") -= 1;
    }

    fn is_done(&self) -> bool {
        *self.busy.lock().expect("no holder of this lock panics") == 0
    }
}

/// Reads the truth after the run.
fn truth(shared: &Shared) -> Truth {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    match runtime {
        Ok(runtime) => runtime.block_on(async {
            let mut truth = Truth::from_past(&shared.storage.past().await, &shared.witness);
            let stored = Stored {
                kept: shared.storage.kept.clone(),
                left: shared.storage.left().await,
                env: shared.env("truth", None),
                keys: ObjectKeys::new(CLUSTER, SERVICE),
            };
            stored.add(&mut truth).await;
            truth
        }),
        Err(error) => Truth { damaged: vec![error.to_string()], ..Truth::default() },
    }
}

#[derive(Debug, Clone)]
struct Panic {
    message: String,
    place: String,
}

impl std::fmt::Display for Panic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.place)
    }
}

impl Panic {
    /// Panics of the simulator and of turmoil are no findings about the product, nor is what
    /// follows from another panic.
    fn is_harness(&self) -> bool {
        let follows = self.message.contains("shutdown on unhandled panic");
        follows || self.place.contains("turmoil") || self.place.starts_with("sim/")
    }
}

fn watch_panics(panics: &Arc<Mutex<Vec<Panic>>>) {
    let panics = panics.clone();
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
        let place = info.location().map(ToString::to_string);
        if let Ok(mut panics) = panics.lock() {
            panics.push(Panic {
                message: message.unwrap_or_else(|| "a panic without text".to_owned()),
                place: place.unwrap_or_default(),
            });
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::plan::Fidelity;
    use crate::scenario::{IMPORT_POINTS, Scenario};

    fn quiet_import(fidelity: Fidelity) -> Plan {
        let mut plan = Scenario::find("import-killed").unwrap().plan(0, fidelity);
        plan.faults.clear();
        plan
    }

    #[test]
    fn an_import_passes_exactly_the_points_at_which_the_scenario_kills_it() {
        for fidelity in [Fidelity::Direct, Fidelity::Wire] {
            let outcome = run(&quiet_import(fidelity), Options::default());
            assert_eq!(outcome.verdict, Verdict::Fine, "{outcome:?}");
            let passed = outcome.points.keys().map(String::as_str);
            let passed: Vec<_> = passed.filter(|point| point.starts_with("import.")).collect();
            let mut known = IMPORT_POINTS.to_vec();
            known.sort_unstable();
            assert_eq!(passed, known);
        }
    }

    #[test]
    fn a_process_that_loses_its_power_at_a_write_goes_on_from_its_disk() {
        let plan = Scenario::find("embedded-crashes").unwrap().plan(0, Fidelity::Wire);
        let outcome = run(&plan, Options::default());
        assert_eq!(outcome.verdict, Verdict::Fine, "{outcome:?}");
        let cuts = outcome.faults.iter().filter(|fault| fault.label == "power_cut");
        let lost: u64 = cuts.map(|fault| fault.hits).sum();
        // Not only processes, also bytes.
        assert!(lost > 100, "`{lost}` were lost");
    }

    #[test]
    fn gateways_that_fail_are_felt_and_everybody_goes_on() {
        let mut plan = Scenario::find("gateway").unwrap().plan(0, Fidelity::Direct);
        plan.topology.gateways = 1;
        plan.operator.clear();
        let what = [
            What::GatewayKill { gateway: 1 },
            What::GatewayPause { gateway: 1 },
            What::GatewayStop { gateway: 1 },
        ];
        let fault = |(at_ms, what)| Fault { at_ms, for_ms: 500, what };
        plan.faults = [2_000, 6_000, 10_000].into_iter().zip(what).map(fault).collect();
        let outcome = run(&plan, Options::default());
        assert_eq!(outcome.verdict, Verdict::Fine, "{outcome:?}");
        assert!(outcome.faults.iter().all(|fault| fault.hits > 0), "{:?}", outcome.faults);
        assert_eq!(outcome.probes["gateway.restarted"], 2);
    }

    #[test]
    fn watching_a_run_does_not_change_it() {
        let plan = quiet_import(Fidelity::Wire);
        let watched = Options { sink: Some(Box::new(std::io::sink())), ..Options::default() };
        let (watched, alone) = (run(&plan, watched), run(&plan, Options::default()));
        assert_eq!(watched.fingerprint, alone.fingerprint);
    }
}
