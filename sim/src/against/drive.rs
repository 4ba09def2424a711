//! The run: everybody works until the load ends, then everything that was seen is judged.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_backends::tcp::TcpNet;
use drydock_core::env::{Clock, Env, RngTree, SystemClock};
use drydock_core::error::Chain;
use drydock_core::log::keys::ObjectKeys;
use drydock_harness::fleet::exit::Failure;
use drydock_harness::record::Recorder;
use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::deployment::{Deployment, Inside};
use super::etcd_log::{EtcdLog, FinishedLog};
use super::evidence::{self, Looked, Seen};
use super::object_copy::ObjectCopy;
use crate::check::Checks;
use crate::history::{Answer, Call, History, Operation, Reply, Server};
use crate::plan::hosts::{OPERATOR, client_name};
use crate::plan::{InstanceId, Plan, Service};
use crate::timeline::SharedFinalState;
use crate::timeline::export::{Export, named};
use crate::workload::{
    self, Believed, Elsewhere, GatewayApi, HttpApi, LIST_LIMIT, RunsApi, Session,
};

/// How long the deployment may take to answer at all.
const START: Duration = Duration::from_secs(30);
/// Longer than the service itself takes to give up.
const PATIENCE: Duration = Duration::from_secs(35);
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// What a deployment is asked of.
const SERVICE: Service = Service::Configstore;
const FIRST: Server = Server::Instance(InstanceId { service: SERVICE, number: 1 });

/// What a run came to.
pub struct Found {
    pub operations: Vec<Operation>,
    pub checks: Checks,
    /// From the first call to the end of the last.
    pub took: Duration,
}

/// Runs `plan` against a deployment, until its load is over or `stop` is.
pub async fn run(
    deployment: &Deployment,
    plan: &Plan,
    stop: CancellationToken,
) -> Result<Found, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let since = clock.clone();
    let real_time = move || Some(since.monotonic());
    let recorder = Recorder::new(real_time, None);
    let env = Env::new(clock, RngTree::from_entropy());
    let rng = RngTree::from_seed(plan.seed);
    let history = History::new(&recorder);
    let believed = Believed::default();
    let session = |host: &str| {
        let api = api(deployment, plan, host);
        Session {
            host: host.to_owned(),
            api: Arc::new(api),
            history: history.clone(),
            believed: believed.clone(),
            recorder: recorder.clone(),
            rng: Mutex::new(rng.child(host).stream("session")),
            elsewhere: Some(Elsewhere::of(deployment.instances.len())),
            stop: stop.clone(),
        }
    };
    let operator = session(OPERATOR);
    first_export(&operator).await?;
    let looking = match &deployment.inside {
        Ok(inside) => Ok(Looking::begin(inside, &recorder, &env).await?),
        Err(why) => Err(why.clone()),
    };
    let base = first_export(&operator).await?;
    fits(&base)?;
    if let Ok(looking) = &looking {
        looking.fits(&base)?;
    }
    let recovered = match operator.api.call(FIRST, &Call::Status).await {
        Answer::Ok(Reply::Status(status)) => status.recovered,
        other => return Err(Failure::Usage(format!("the first instance has no status: {other}"))),
    };
    recorder.event(OPERATOR, format_args!("begins"));
    let began = recorder.now();
    let final_state = SharedFinalState::default();
    // The clients' time, which began before there was a first call.
    let plan = &delayed(plan, operator.now_ms());
    let clients = (1..=plan.topology.clients).map(|number| session(&client_name(number)));
    let clients: Vec<Session> = clients.collect();
    let clients = clients.iter().map(|session| workload::client(plan, session));
    tokio::join!(join_all(clients), bounded(plan, &operator, &final_state));
    let took = recorder.now().saturating_sub(began);
    let operations = history.operations();
    let final_state = final_state.lock().expect("no holder of this lock panics").clone();
    let seen = Seen {
        instances: &deployment.instances,
        operations: &operations,
        final_state: &final_state,
        base,
        recovered,
    };
    let checks = match (looking, &deployment.inside) {
        (Ok(looking), Ok(inside)) => looking.end(inside, seen, env).await,
        (Err(why), _) => evidence::outside(seen, &why),
        (_, Err(why)) => evidence::outside(seen, why),
    };
    Ok(Found { operations, checks, took })
}

/// The calls of one client.
fn api(deployment: &Deployment, plan: &Plan, host: &str) -> HttpApi {
    let timeout = Duration::from_millis(plan.settings.request_timeout_ms);
    HttpApi {
        host: host.to_owned(),
        instances: deployment.instances.clone(),
        net: Arc::new(TcpNet),
        token: deployment.token.clone(),
        timeout,
        patience: PATIENCE,
        clients: Mutex::default(),
        gateways: GatewayApi::new(Arc::new(TcpNet), timeout),
        runs: RunsApi {
            instances: Vec::new(),
            net: Arc::new(TcpNet),
            token: deployment.token.clone(),
            timeout,
            clients: Mutex::default(),
        },
    }
}

/// A plan that begins later.
fn delayed(plan: &Plan, by_ms: u64) -> Plan {
    let mut plan = plan.clone();
    plan.load_ms += by_ms;
    for step in &mut plan.operator {
        step.at_ms += by_ms;
    }
    plan
}

/// The operator, who does not insist for ever.
async fn bounded(plan: &Plan, session: &Session, final_state: &SharedFinalState) {
    let final_states = [(SERVICE, final_state.clone())].into();
    let late = async {
        session.sleep_until(plan.load_ms).await;
        session.sleep_ms(plan.settle_ms).await;
    };
    tokio::select! {
        () = workload::operator(plan, session, &final_states, || None) => {}
        () = late => {}
    }
}

/// The state before the first call, from a deployment that serves.
async fn first_export(operator: &Session) -> Result<Export, Failure> {
    let asking = async {
        loop {
            match operator.api.call(FIRST, &Call::Export).await {
                Answer::Ok(Reply::Export(bytes)) => {
                    return Export::parse(&bytes).map_err(Failure::Simulator);
                }
                other => operator.recorder.event(OPERATOR, format_args!("no export: {other}")),
            };
            tokio::time::sleep(ASK_AGAIN).await;
        }
    };
    let asked = tokio::time::timeout(START, asking).await;
    asked.unwrap_or_else(|_| {
        let why = format!("the first instance gave no export within {} s", START.as_secs());
        Err(Failure::Usage(why))
    })
}

/// Lists are asked for in one page.
fn fits(base: &Export) -> Result<(), Failure> {
    let users = named(&base.state, "users").len();
    if users * 2 > LIST_LIMIT {
        return Err(Failure::Usage(format!(
            "the deployment holds {users} users: take one that nobody uses"
        )));
    }
    Ok(())
}

/// Those who look into the deployment.
struct Looking {
    etcd_log: EtcdLog,
    object_copy: JoinHandle<(ObjectCopy, Option<String>)>,
    keys: ObjectKeys,
    stop: CancellationToken,
}

impl Looking {
    async fn begin(inside: &Inside, recorder: &Recorder, env: &Env) -> Result<Looking, Failure> {
        let coord = inside.coord.clone();
        let etcd_log = EtcdLog::begin(coord, &inside.cluster, SERVICE.name(), recorder, env).await;
        let etcd_log = etcd_log.map_err(|error| Failure::Usage(Chain(&error).to_string()))?;
        let keys = ObjectKeys::new(&inside.cluster, SERVICE.name());
        let stop = CancellationToken::new();
        let object_copy = ObjectCopy::new(inside.objects.clone(), keys.clone(), env);
        let object_copy = tokio::spawn(object_copy.follow(stop.clone()));
        Ok(Looking { etcd_log, object_copy, keys, stop })
    }

    /// The configuration names the store of these instances, and nobody else writes.
    fn fits(&self, base: &Export) -> Result<(), Failure> {
        let head = evidence::head(&self.etcd_log.inherited(), SERVICE.name());
        let same = |head: &drydock_core::log::format::Head| {
            (head.lineage, head.position) == (base.lineage, base.position)
        };
        if head.is_some_and(|head| same(&head)) {
            return Ok(());
        }
        Err(Failure::Usage(
            "the coordination store is not that of the instances, or somebody else writes"
                .to_owned(),
        ))
    }

    async fn end(self, inside: &Inside, seen: Seen<'_>, env: Env) -> Checks {
        let finished: FinishedLog = self.etcd_log.finish().await;
        self.stop.cancel();
        let (object_copy, problem) = match self.object_copy.await {
            Ok(copied) => copied,
            Err(error) => return evidence::outside(seen, &error.to_string()),
        };
        match finished.gap.clone().or(problem) {
            Some(why) => evidence::outside(seen, &why),
            None => {
                let keys = self.keys;
                evidence::inside(seen, Looked { inside, finished, object_copy, env, keys }).await
            }
        }
    }
}
