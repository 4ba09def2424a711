//! Runs one plan in this process.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_core::log::keys::ObjectKeys;
use drydock_core::net::SharedNet;
use drydock_harness::fault::PointAct;
use drydock_harness::fleet::{Panic, Panics};
use drydock_harness::record::Sink;
use drydock_harness::report::{Outcome, Verdict};
use drydock_harness::world::{Cluster, Stop};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::{EnvFilter, Layer};

use super::{facts, probes};
use crate::check::{self, Checks, Evidence, Violation};
use crate::executor::{Disks, Executor, Machine};
use crate::history::Operation;
use crate::plan::fault::{FaultKind, ProcessFault};
use crate::plan::hosts::{
    OPERATOR, client_name, executor_name, gateway_name, machine_name, pusher_name,
};
use crate::plan::identity::{self, CLUSTER};
use crate::plan::{Plan, Service};
use crate::product::{Gateway, Instance, Listener, Log, RunContext, Told};
use crate::storage::seams::HostNet;
use crate::timeline::{Stored, Timeline};
use crate::workload::{self, FinalStates, GatewayApi, HttpApi, RunsApi, Session};

/// A run under way.
struct Run {
    context: Arc<RunContext>,
    final_states: FinalStates,
    /// Of executors.
    disks: Disks,
    /// Clients and operators that are still at work.
    busy: Mutex<usize>,
}

/// The session of somebody on a host, whose choices are those of the process `name`.
fn session(context: &RunContext, net: SharedNet, host: &str, name: &str) -> Session {
    let timeout = Duration::from_millis(context.plan.settings.request_timeout_ms);
    let runs = RunsApi {
        instances: context.plan.addresses(Service::Runservice),
        net: net.clone(),
        token: identity::token(),
        timeout,
        clients: Mutex::default(),
    };
    Session {
        host: host.to_owned(),
        api: Arc::new(HttpApi {
            host: host.to_owned(),
            instances: context.plan.addresses(Service::Configstore),
            gateways: GatewayApi::new(net.clone(), timeout),
            runs,
            net,
            token: identity::token(),
            timeout,
            patience: timeout,
            clients: Mutex::default(),
        }),
        history: context.history.clone(),
        believed: context.believed.clone(),
        recorder: context.recorder.clone(),
        rng: Mutex::new(context.rng.child(name).stream("session")),
        elsewhere: None,
        stop: CancellationToken::new(),
    }
}

/// What a run needs besides its plan; none of it changes what happens.
#[derive(Default)]
pub struct Options {
    /// Where every event is written to.
    pub sink: Option<Sink>,
    /// Where the trace is written to.
    pub trace: Option<Sink>,
    /// Which lines of the product's log are in the trace.
    pub trace_log: Option<EnvFilter>,
    /// Who else listens to the product's log.
    pub listeners: Vec<Listener>,
    /// Ends the run there, without asking the oracles.
    pub until_ms: Option<u64>,
}

/// Runs a plan. Takes the process's panic hook meanwhile.
pub fn run(plan: &Plan, options: Options) -> Outcome {
    let panics = Panics::watch();
    let run = Arc::new(Run {
        context: Arc::new(RunContext::new(plan, options.sink, options.trace)),
        final_states: plan.topology.services().map(|it| (it, Default::default())).collect(),
        disks: Disks::default(),
        busy: Mutex::default(),
    });
    let context = &run.context;
    let until_ms = options.until_ms.unwrap_or(plan.end_ms());
    let mut listeners = options.listeners;
    if context.recorder.is_traced() {
        let filter = options.trace_log.unwrap_or_else(|| EnvFilter::new("drydock=info"));
        // Whatever of the log is asked for, requests are told.
        let of_product = filter_fn(|it| it.is_span() && it.target().starts_with("drydock"));
        listeners.push(Told::new(context).with_filter(filter.or(of_product)).boxed());
    }
    let log = Log::listen(plan, listeners);
    let ran = catch_unwind(AssertUnwindSafe(|| simulate(plan, &run, until_ms)));
    let mut checks = Checks::default();
    let mut broken = None;
    let mut simulated_ms = 0;
    match ran {
        Ok(Ok(ms)) => simulated_ms = ms,
        Ok(Err(error)) => broken = Some(error.to_string()),
        Err(_) => {}
    }
    match panics.end() {
        Some(panic) if panic.is_simulators("sim/") => broken = Some(panic.to_string()),
        Some(panic) => {
            let Panic { message, place } = panic;
            checks.violated(Violation::new("panic", "the product panicked", message, place));
        }
        None => {}
    }
    let timelines = timelines(context);
    let operations = context.history.operations();
    if broken.is_none() && checks.violations.is_empty() && options.until_ms.is_none() {
        for (service, timeline) in &timelines {
            checks.merge(look(&run, *service, timeline, &operations, &log));
        }
    }
    let mut outcome = Outcome {
        scenario: plan.scenario.clone(),
        seed: plan.seed,
        verdict: Verdict::Fine,
        broken,
        fingerprint: context.recorder.fingerprint(),
        events: context.recorder.count(),
        simulated_ms,
        operations: operations.len() as u64,
        faults: context.faults.report(),
        points: owned(context.points.all()),
        probes: probes::count(&timelines, &operations, context),
        checks,
    };
    outcome.verdict = outcome.judge();
    if context.recorder.is_traced() {
        facts::tell(context, &timelines, &operations, &outcome);
        // A trace is flushed with the story.
        context.recorder.fingerprint();
    }
    outcome
}

fn owned(points: BTreeMap<&'static str, u64>) -> BTreeMap<String, u64> {
    points.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// Asks the oracles of one service, whose own operations are all that they look at.
fn look(
    run: &Run,
    service: Service,
    timeline: &Timeline,
    operations: &[Operation],
    log: &Log,
) -> Checks {
    let Run { context, final_states, .. } = run;
    let operations = operations.iter().filter(|it| it.server.service() == service);
    let operations: Vec<Operation> = operations.cloned().collect();
    let final_state = &final_states[&service];
    let final_state = final_state.lock().expect("no holder of this lock panics").clone();
    let injected = context.plan.faults.iter().any(|fault| {
        matches!(fault.what, FaultKind::Process(ProcessFault::Point { act: PointAct::Fail, .. }))
    });
    let settings = &context.plan.settings;
    let evidence = Evidence {
        operations: &operations,
        exact: &operations,
        exactly: &|seq| (seq, seq),
        service,
        instances: &context.plan.addresses(service),
        timeline,
        final_state: &final_state,
        keys: &identity::keys(),
        durability: settings.durability,
        unarchived: settings.unarchived_commits,
        injected,
        log: Some(log),
    };
    match service {
        Service::Configstore => check::all(&evidence),
        Service::Runservice => {
            check::runs::all(&evidence, &context.ledger, &context.plan.runs.settings)
        }
    }
}

fn simulate(plan: &Plan, run: &Arc<Run>, until_ms: u64) -> Result<u64, Box<dyn std::error::Error>> {
    let context = &run.context;
    let mut cluster = Cluster::new(&plan.world(), &context.faults, &context.recorder);
    let scratch = tempfile::tempdir()?;
    context.storage.add_to(&mut cluster);
    for instance in plan.topology.all_ids() {
        let host = instance.host();
        let folder = scratch.path().join(&host);
        std::fs::create_dir(&folder)?;
        let stop = Stop::default();
        let net = HostNet(cluster.net(&host));
        let process = Instance::new(context, instance, net, stop.clone(), folder);
        cluster.host(&host, stop, move || process.clone().supervise());
    }
    for gateway in 1..=plan.topology.gateways {
        let host = gateway_name(gateway);
        let stop = Stop::default();
        let process = Gateway::new(context, gateway, HostNet(cluster.net(&host)), stop.clone());
        cluster.host(&host, stop, move || process.clone().supervise());
    }
    add_executors(plan, run, &mut cluster);
    let busy = plan.topology.clients + plan.topology.pushers + 1;
    *run.busy.lock().expect("no holder of this lock panics") = busy;
    for number in 1..=plan.topology.clients {
        let host = client_name(number);
        let session = session(context, net(&cluster, &host), &host, &host);
        let (run, plan) = (run.clone(), context.plan.clone());
        cluster.client(&host, async move {
            match plan.topology.gateways {
                0 => workload::client(&plan, &session).await,
                _ => workload::person(&plan, &session, number).await,
            }
            run.done();
        });
    }
    for number in 1..=plan.topology.pushers {
        let host = pusher_name(number);
        let session = session(context, net(&cluster, &host), &host, &host);
        let (run, plan) = (run.clone(), context.plan.clone());
        cluster.client(&host, async move {
            workload::pusher(&plan, &session, number).await;
            run.done();
        });
    }
    let session = session(context, net(&cluster, OPERATOR), OPERATOR, OPERATOR);
    let (for_operator, for_plan) = (run.clone(), context.plan.clone());
    cluster.client(OPERATOR, async move {
        let left = || for_operator.disks.left();
        workload::operator(&for_plan, &session, &for_operator.final_states, left).await;
        for_operator.done();
    });
    context.storage.settle(&cluster);
    let ran = cluster.run(until_ms, || run.is_done());
    let now_ms = cluster.now_ms();
    // What is still under way then has no end.
    context.recorder.pause_trace(true);
    drop(cluster);
    context.recorder.pause_trace(false);
    ran?;
    Ok(now_ms)
}

fn net(cluster: &Cluster, host: &str) -> SharedNet {
    Arc::new(HostNet(cluster.net(host)))
}

/// Each executor with its machine.
fn add_executors(plan: &Plan, run: &Run, cluster: &mut Cluster) {
    let context = &run.context;
    for number in 1..=plan.topology.executors {
        let machine = Machine::new(&machine_name(number), plan.epoch, &context.ledger);
        let switched_on = machine.clone();
        cluster.host(&machine_name(number), Stop::default(), move || switched_on.clone().run());
        let host = executor_name(number);
        let (net, of_run) = (net(cluster, &host), context.clone());
        let sessions = {
            let host = host.clone();
            Arc::new(move |name: &str| session(&of_run, net.clone(), &host, name))
        };
        let stop = Stop::default();
        let executor = Executor::new(context, number, &machine, stop.clone(), sessions);
        executor.add_to(&run.disks);
        cluster.host(&host, stop, move || executor.clone().supervise());
    }
}

impl Run {
    fn done(&self) {
        *self.busy.lock().expect("no holder of this lock panics") -= 1;
    }

    fn is_done(&self) -> bool {
        *self.busy.lock().expect("no holder of this lock panics") == 0
    }
}

/// Reads what really happened to each service, after the run.
fn timelines(context: &RunContext) -> BTreeMap<Service, Timeline> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let timelines = context.plan.topology.services().map(|service| match &runtime {
        Ok(runtime) => (service, runtime.block_on(timeline(context, service))),
        Err(error) => {
            let damaged = vec![error.to_string()];
            (service, Timeline { damaged, ..Timeline::default() })
        }
    });
    timelines.collect()
}

async fn timeline(context: &RunContext, service: Service) -> Timeline {
    let past = context.storage.past().await;
    let mut timeline = Timeline::from_past(service, &past, &context.revisions);
    let stored = Stored {
        object_history: context.storage.object_history.clone(),
        left: context.storage.left().await,
        env: context.env("truth", None),
        keys: ObjectKeys::new(CLUSTER, service.name()),
    };
    stored.add(&mut timeline).await;
    timeline
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Fidelity;
    use crate::plan::fault::Fault;
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
            ProcessFault::GatewayKill { gateway: 1 }.into(),
            ProcessFault::GatewayPause { gateway: 1 }.into(),
            ProcessFault::GatewayStop { gateway: 1 }.into(),
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
