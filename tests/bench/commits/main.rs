//! What an acknowledged write costs, beside what etcd itself takes for one.
//!
//! ```text
//! DRYDOCK_TEST_ETCD=/usr/bin/etcd cargo bench --bench commits
//! ```
//!
//! One instance on a real etcd, with objects in files, asked over TCP; etcd, instance and clients
//! share the machine. The figures are measured in turns of half a second, so that whatever
//! else the machine does meets all of them; a ratio is the median over the turns.
//! `BENCH_MEMBERS` is the size of the cluster (3), `BENCH_SECONDS` how long each figure is measured
//! (10).

#![expect(clippy::print_stdout, reason = "a benchmark may end when nobody reads it")]

use std::sync::Arc;
use std::time::Duration;

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::types::NewUser;
use drydock_backends::objects::open_fs;
use drydock_backends::tcp::TcpNet;
use drydock_backends::testing::{self, EtcdServers};
use drydock_configstore::Configstore;
use drydock_core::context::Context;
use drydock_core::db::Execution;
use drydock_core::env::Env;
use drydock_core::net::Net;
use drydock_http::client::Client;
use drydock_runtime::Deps;
use drydock_tests::app::{TOKEN, settings};
use etcd_client::{
    Client as EtcdClient, Compare, CompareOp, GetOptions, KeyValue, SortOrder, SortTarget, Txn,
    TxnOp,
};
use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const CLIENTS: usize = 64;
const VALUE_BYTES: usize = 256;
const TURN: Duration = Duration::from_millis(500);
const TURNS_PER_SECOND: usize = 2;
/// What the design promises.
const THROUGHPUT_AIM: f64 = 5.0;
const LATENCY_AIM: f64 = 1.5;

fn main() {
    let program = testing::program(testing::ETCD);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let etcd = EtcdServers::start(&program, number("BENCH_MEMBERS", 3)).await;
        let scratch = tempfile::tempdir().expect("a folder");
        let service = Service::start(&etcd, scratch.path()).await;
        let mut raw = EtcdClient::connect(etcd.endpoints(), None).await.expect("etcd");
        let commit = sample(&service.client, &mut raw).await;
        let user = |name: String| Work::User { client: service.client.clone(), name, count: 0 };
        let mut figures = [
            Figure::new("etcd: put, 1 client", vec![Work::Put(raw.clone())]),
            Figure::new("etcd: transaction, 1 client", vec![Work::Txn(raw, commit)]),
            Figure::new("service: answer, 1 client", vec![Work::Ready(service.http.clone())]),
            Figure::new("acknowledged writes, 1 client", vec![user("one".to_owned())]),
            Figure::new(
                "acknowledged writes, 64 clients",
                (0..CLIENTS).map(|client| user(format!("c{client}"))).collect(),
            ),
        ];
        for _ in 0..number("BENCH_SECONDS", 10) * TURNS_PER_SECOND {
            for figure in &mut figures {
                figure.turn().await;
            }
        }
        println!("{:<34} {:>8} {:>8} {:>8}", "", "ops/s", "p50 ms", "p99 ms");
        figures.iter().for_each(Figure::print);
        let [puts, txns, _, one, many] = &figures;
        let ratio = median_ratio(many, puts, Turn::rate);
        println!("throughput, 64 clients / put: {ratio:.1}, the aim is {THROUGHPUT_AIM} or more");
        let ratio = median_ratio(one, txns, Turn::median);
        println!("latency, 1 client / transaction: {ratio:.2}, the aim is {LATENCY_AIM} or less");
        service.stop.cancel();
    });
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

struct Service {
    http: Client,
    client: ConfigstoreClient,
    stop: CancellationToken,
}

impl Service {
    async fn start(etcd: &EtcdServers, folder: &std::path::Path) -> Service {
        let listener = TcpNet.listen("127.0.0.1:0").await.expect("a free port");
        let http = Client::new(Arc::new(TcpNet), listener.local_addr())
            .with_token(SecretString::from(TOKEN));
        let deps = Deps {
            env: Env::system(),
            coord: Arc::new(etcd.store()),
            objects: open_fs(&folder.join("objects")).expect("a folder for objects"),
            execution: Execution::Threads { readers: 4 },
            scratch_dir: folder.to_owned(),
        };
        let stop = CancellationToken::new();
        let service = Configstore::default();
        tokio::spawn(drydock_runtime::start(service, settings(), deps, listener, stop.clone()));
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let ctx = Context::background();
        while http.request(http::Method::GET, "/readyz").send_bytes(&ctx).await.is_err() {
            looks.tick().await;
        }
        Service { client: ConfigstoreClient::new(http.clone()), http, stop }
    }
}

/// What a commit of one user writes.
struct Commit {
    head: Vec<u8>,
    log: Vec<u8>,
}

async fn sample(service: &ConfigstoreClient, etcd: &mut EtcdClient) -> Commit {
    let new = NewUser { name: "sample".to_owned(), admin: false };
    service.create_user(&Context::background(), &new, None).await.expect("a user");
    let all = GetOptions::new().with_prefix().with_sort(SortTarget::Mod, SortOrder::Descend);
    let found = etcd.get("drydock/", Some(all)).await.expect("keys");
    let newest = |part: &str| {
        let named = |kv: &&KeyValue| String::from_utf8_lossy(kv.key()).contains(part);
        found.kvs().iter().find(named).expect("it was written").value().to_vec()
    };
    Commit { head: newest("/configstore/head"), log: newest("/configstore/log/") }
}

/// One client, and what it does again and again.
enum Work {
    Put(EtcdClient),
    /// As a commit: its comparisons, and the bytes that it writes.
    Txn(EtcdClient, Commit),
    /// The way to the service and back, without a store.
    Ready(Client),
    User {
        client: ConfigstoreClient,
        name: String,
        count: usize,
    },
}

impl Work {
    async fn once(&mut self) {
        let value = || vec![b'x'; VALUE_BYTES];
        match self {
            Work::Put(etcd) => {
                etcd.put("bench/put", value(), None).await.expect("a put");
            }
            Work::Txn(etcd, Commit { head, log }) => {
                let absent = |key: &str| Compare::version(key, CompareOp::Equal, 0);
                let txn = Txn::new()
                    .when(["bench/none-1", "bench/none-2", "bench/none-3"].map(absent))
                    .and_then([
                        TxnOp::put("bench/head", head.clone(), None),
                        TxnOp::put("bench/log", log.clone(), None),
                    ]);
                assert!(etcd.txn(txn).await.expect("a transaction").succeeded());
            }
            Work::Ready(http) => {
                let call = http.request(http::Method::GET, "/readyz");
                call.send_bytes(&Context::background()).await.expect("an answer");
            }
            Work::User { client, name, count } => {
                *count += 1;
                let new = NewUser { name: format!("{name}-{count}"), admin: false };
                let created = client.create_user(&Context::background(), &new, None).await;
                created.expect("an acknowledged write");
            }
        }
    }
}

/// One kind of clients, and what was measured of them.
struct Figure {
    name: &'static str,
    clients: Vec<Work>,
    turns: Vec<Turn>,
}

impl Figure {
    fn new(name: &'static str, clients: Vec<Work>) -> Figure {
        Figure { name, clients, turns: Vec::new() }
    }

    async fn turn(&mut self) {
        let begun = Instant::now();
        let mut running = JoinSet::new();
        for mut work in self.clients.drain(..) {
            running.spawn(async move {
                let mut took = Vec::new();
                while begun.elapsed() < TURN {
                    let asked = Instant::now();
                    work.once().await;
                    took.push(asked.elapsed());
                }
                (work, took)
            });
        }
        let mut turn = Turn { took: Vec::new(), time: Duration::ZERO };
        for (work, took) in running.join_all().await {
            self.clients.push(work);
            turn.took.extend(took);
        }
        turn.time = begun.elapsed();
        turn.took.sort_unstable();
        self.turns.push(turn);
    }

    fn print(&self) {
        let mut took: Vec<_> = self.turns.iter().flat_map(|turn| &turn.took).copied().collect();
        took.sort_unstable();
        let all = Turn { took, time: self.turns.iter().map(|turn| turn.time).sum() };
        let (name, rate) = (self.name, all.rate());
        println!("{name:<34} {rate:>8.0} {:>8.2} {:>8.2}", all.median(), all.at(0.99));
    }
}

/// How long each operation took, in order, and how long it all was.
struct Turn {
    took: Vec<Duration>,
    time: Duration,
}

impl Turn {
    fn rate(&self) -> f64 {
        self.took.len() as f64 / self.time.as_secs_f64()
    }

    fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// Milliseconds, of the operation at this part of all.
    fn at(&self, part: f64) -> f64 {
        let at = ((self.took.len() - 1) as f64 * part) as usize;
        self.took[at].as_secs_f64() * 1000.0
    }
}

fn median_ratio(one: &Figure, other: &Figure, of: fn(&Turn) -> f64) -> f64 {
    let turns = one.turns.iter().zip(&other.turns);
    let mut ratios: Vec<_> = turns.map(|(one, other)| of(one) / of(other)).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}
