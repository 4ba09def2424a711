//! One run: etcd, S3, the lock service and its clients on simulated hosts.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use drydock_harness::fault::Faults;
use drydock_harness::history::History;
use drydock_harness::record::Recorder;
use drydock_harness::report::{Checks, Outcome, Violation};
use drydock_harness::world::{
    Cluster, Settings, SimClock, SimListener, SimNet, SimStream, Stop, host_elapsed,
};
use drydock_sim_etcd::{Cluster as EtcdCluster, Config, Etcd, MemberConfig, NoFaults, Node};
use drydock_sim_s3::{Calm, S3};
use etcd_client::{Channel, Client};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use tokio::time::{sleep, timeout};
use tonic::transport::Endpoint;

use crate::grants::{self, Grants};
use crate::history::{Answer, Call, Lock, check, held};
use crate::plan::{CLIENTS, LOAD_MS, LockPlan};
use crate::service::{BoxResult, Connection, LockService, TTL};

const LOCK: &str = "lock:7000";
/// When a client gives up on an answer.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Runs a plan on this thread.
pub fn run(plan: &LockPlan) -> Outcome {
    let recorder = Recorder::new(host_elapsed, None);
    let faults = Faults::new(plan.faults.clone(), recorder.clone());
    let settings = Settings {
        seed: plan.seed,
        epoch: Timestamp::UNIX_EPOCH,
        tick_ms: 2,
        load_ms: LOAD_MS,
        end_ms: 2 * LOAD_MS,
        latency_ms: [0, 5],
    };
    let mut world = Cluster::new(&settings, &faults, &recorder);
    serve_etcd(&mut world);
    let s3 = serve_s3(&mut world, &settings, &faults);
    let (net, has_bug) = (world.net("lock"), plan.has_bug);
    world.host("lock", Stop::default(), move || serve_lock(net.clone(), has_bug));
    let (history, busy) = (History::new(&recorder), Arc::new(AtomicU64::new(CLIENTS)));
    for number in 1..=CLIENTS {
        let host = format!("client-{number}");
        let client = LockClient {
            net: world.net(&host),
            connection: None,
            history: history.clone(),
            rng: ChaCha12Rng::seed_from_u64(plan.seed * 100 + number),
            host: host.clone(),
        };
        let busy = busy.clone();
        world.client(&host, async move {
            client.work().await;
            busy.fetch_sub(1, Ordering::Relaxed);
        });
    }
    let ran = world.run(settings.end_ms, || busy.load(Ordering::Relaxed) == 0);
    let mut outcome = Outcome::unfinished("lock", plan.seed);
    outcome.broken = ran.err().map(|error| error.to_string());
    outcome.simulated_ms = world.now_ms();
    outcome.checks = judge(&history, &s3);
    if busy.load(Ordering::Relaxed) > 0 {
        outcome.checks.pending.push("a client".to_owned());
    }
    outcome.fingerprint = recorder.fingerprint();
    outcome.events = recorder.count();
    outcome.operations = history.operations().len() as u64;
    outcome.faults = faults.report();
    outcome.verdict = outcome.judge();
    outcome
}

/// The oracles: nobody holds the lock at once with another, and every grant is on record.
fn judge(history: &History<Lock>, s3: &S3) -> Checks {
    let (mut checks, operations) = (Checks::default(), history.operations());
    check(&operations, &mut checks);
    let state = s3.state();
    let bucket = state.bucket(grants::BUCKET).expect("nobody deletes it");
    for held in held(&operations) {
        checks.done("record", 1);
        if bucket.get(&held.token.to_string()).is_err() {
            let (sentence, there) = ("a grant is not on record", "no object");
            let violation = Violation::new("record", sentence, held.acquire.to_string(), there);
            checks.violated(violation);
        }
    }
    checks
}

/// A listener of the world, for the simulated servers.
struct Door(SimListener);

#[async_trait]
impl drydock_sim_etcd::Accept for Door {
    async fn accept(&mut self) -> io::Result<(drydock_sim_etcd::net::BoxStream, String)> {
        self.0.accept().await.map(|(stream, peer)| (Box::new(stream) as _, peer))
    }
}

#[async_trait]
impl drydock_sim_s3::Accept for Door {
    async fn accept(&mut self) -> io::Result<(drydock_sim_s3::net::BoxStream, String)> {
        self.0.accept().await.map(|(stream, peer)| (Box::new(stream) as _, peer))
    }
}

async fn door(net: &SimNet, port: u16) -> Door {
    let listener = net.listen(&format!("0.0.0.0:{port}")).await;
    Door(listener.expect("nobody else listens on this host"))
}

fn serve_etcd(world: &mut Cluster) {
    let member = MemberConfig {
        name: "etcd".to_owned(),
        peer_url: "http://etcd:2380".to_owned(),
        client_url: "http://etcd:2379".to_owned(),
    };
    let cluster = EtcdCluster::new(Config::new("lock", vec![member]));
    let clock = Arc::new(|| host_elapsed().unwrap_or_default());
    let etcd = Etcd::new(cluster, clock, Arc::new(NoFaults));
    let (net, stop) = (world.net("etcd"), Stop::default());
    let stopped = stop.clone();
    world.host("etcd", stop, move || {
        let (net, node, stop) = (net.clone(), Node::new(etcd.clone(), 0), stopped.renew());
        async move { drydock_sim_etcd::serve(Box::new(door(&net, 2379).await), node, stop).await }
    });
}

fn serve_s3(world: &mut Cluster, settings: &Settings, faults: &Faults) -> Arc<S3> {
    let (id, secret) = grants::KEY;
    let clock = SimClock::new(settings.epoch, None, faults);
    let keys = [(id.to_owned(), secret.to_owned())].into();
    let s3 = drydock_sim_s3::Settings { keys, ..Default::default() };
    let rng = ChaCha12Rng::seed_from_u64(settings.seed);
    let s3 = Arc::new(S3::new(s3, Arc::new(move || clock.wall()), rng, Arc::new(Calm)));
    s3.state().create_bucket(grants::BUCKET, settings.epoch).expect("there is no other");
    let (net, stop, served) = (world.net("s3"), Stop::default(), s3.clone());
    let stopped = stop.clone();
    world.host("s3", stop, move || {
        let (net, s3, stop) = (net.clone(), served.clone(), stopped.renew());
        async move { drydock_sim_s3::serve(Box::new(door(&net, 9000).await), s3, stop).await }
    });
    s3
}

async fn serve_lock(net: SimNet, has_bug: bool) {
    let dial = net.clone();
    let connector = tower::service_fn(move |_| {
        let net = dial.clone();
        async move { net.dial("etcd:2379").await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://etcd");
    let channel = Channel::Tonic(endpoint.connect_with_connector_lazy(connector));
    let etcd = Client::from_channel(channel, None).await.expect("nothing is connected yet");
    let service = LockService { etcd, grants: Grants { net: net.clone() }, has_bug };
    let mut listener = door(&net, 7000).await.0;
    while let Ok((stream, _)) = listener.accept().await {
        // A client whose connection fails asks again.
        tokio::spawn(service.clone().serve(stream));
    }
}

struct LockClient {
    net: SimNet,
    connection: Option<Connection<SimStream>>,
    history: History<Lock>,
    rng: ChaCha12Rng,
    host: String,
}

impl LockClient {
    /// Acquires, works and releases, again and again.
    async fn work(mut self) {
        while host_elapsed().unwrap_or_default() < Duration::from_millis(LOAD_MS) {
            sleep(Duration::from_millis(self.rng.random_range(10..300))).await;
            let asked = host_elapsed().unwrap_or_default();
            if let Answer::Granted(token) = self.call(Call::Acquire).await {
                let now = host_elapsed().unwrap_or_default();
                let work = Duration::from_millis(self.rng.random_range(50..1_500));
                sleep(work.min((asked + TTL).saturating_sub(now))).await;
                self.call(Call::Release(token)).await;
            }
        }
    }

    async fn call(&mut self, call: Call) -> Answer {
        let number = self.history.called(&self.host, "lock", call.clone());
        let request = match &call {
            Call::Acquire => format!("acquire {}", self.host),
            Call::Release(token) => format!("release {token}"),
        };
        let answer = match timeout(PATIENCE, self.send(&request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Answer::Unknown(error.to_string()),
            Err(_) => Answer::Unknown("no answer".to_owned()),
        };
        self.history.ended(number, answer.clone());
        answer
    }

    /// A connection that fails, or on which the client gives up, is not used again.
    async fn send(&mut self, request: &str) -> BoxResult<Answer> {
        let mut connection = match self.connection.take() {
            Some(open) => open,
            None => Connection::new(self.net.dial(LOCK).await?),
        };
        let line = connection.ask(request).await?;
        self.connection = Some(connection);
        Ok(match line.split_once(' ') {
            Some(("granted", token)) => Answer::Granted(token.parse()?),
            None if line == "busy" => Answer::Busy,
            None if line == "released" => Answer::Released,
            _ => Answer::Unknown(format!("`{line}`")),
        })
    }
}
