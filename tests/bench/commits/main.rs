//! What an acknowledged write costs, beside what etcd itself takes for one.
//!
//! ```text
//! DRYDOCK_TEST_ETCD=/usr/bin/etcd cargo bench -p drydock-tests --bench commits
//! ```
//!
//! One instance on a real etcd, with objects in files, asked over TCP; etcd, instance and clients
//! share the machine. `BENCH_MEMBERS` is the size of the cluster (3), `BENCH_SECONDS` how long each
//! figure is measured (5).

use std::sync::Arc;
use std::time::Duration;

use drydock_backends::objects::open_fs;
use drydock_backends::tcp::TcpNet;
use drydock_backends::testing::{self, EtcdServers};
use drydock_core::context::Context;
use drydock_core::db::Execution;
use drydock_core::env::Env;
use drydock_core::net::Net;
use drydock_services::configstore::client::ConfigstoreClient;
use drydock_services::configstore::types::NewUser;
use drydock_services::http::client::Client;
use drydock_services::runtime::{self, Deps, Role};
use drydock_tests::app::{TOKEN, settings};
use etcd_client::{Client as EtcdClient, Compare, CompareOp, Txn, TxnOp};
use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const CLIENTS: usize = 64;
const VALUE_BYTES: usize = 256;
/// What the design promises.
const THROUGHPUT_AIM: f64 = 5.0;
const LATENCY_AIM: f64 = 1.5;

fn main() {
    let Some(program) = testing::program(testing::ETCD) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let etcd = EtcdServers::start(&program, number("BENCH_MEMBERS", 3)).await;
        let scratch = tempfile::tempdir().expect("a folder");
        let service = Service::start(&etcd, scratch.path()).await;
        let time = Duration::from_secs(number("BENCH_SECONDS", 5) as u64);

        let user = |name: String| {
            let client = service.client.clone();
            Work::User { client, name, count: 0 }
        };
        let raw = EtcdClient::connect(etcd.endpoints(), None).await.expect("etcd");
        let puts = measure(time, vec![Work::Put(raw.clone())]).await;
        let txns = measure(time, vec![Work::Txn(raw)]).await;
        let one = measure(time, vec![user("one".to_owned())]).await;
        let many = (0..CLIENTS).map(|client| user(format!("c{client}"))).collect();
        let many = measure(time, many).await;

        println!("{:<34} {:>8} {:>8} {:>8}", "", "ops/s", "p50 ms", "p99 ms");
        puts.print("etcd: put, 1 client");
        txns.print("etcd: transaction, 1 client");
        one.print("acknowledged writes, 1 client");
        many.print("acknowledged writes, 64 clients");
        let ratio = many.rate() / puts.rate();
        println!("throughput, 64 clients / put: {ratio:.1}, the aim is {THROUGHPUT_AIM} or more");
        let ratio = one.at(0.5) / txns.at(0.5);
        println!("latency, 1 client / transaction: {ratio:.2}, the aim is {LATENCY_AIM} or less");
        service.stop.cancel();
    });
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

struct Service {
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
        let role = Role::Configstore(Box::new(settings()), deps);
        tokio::spawn(runtime::start(role, listener, stop.clone()));
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let ctx = Context::background();
        while http.request(http::Method::GET, "/readyz").send_bytes(&ctx).await.is_err() {
            looks.tick().await;
        }
        Service { client: ConfigstoreClient::new(http), stop }
    }
}

/// One client, and what it does again and again.
enum Work {
    Put(EtcdClient),
    /// As a commit: one comparison, two writes.
    Txn(EtcdClient),
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
            Work::Txn(etcd) => {
                let txn = Txn::new()
                    .when([Compare::version("bench/none", CompareOp::Equal, 0)])
                    .and_then([
                        TxnOp::put("bench/head", value(), None),
                        TxnOp::put("bench/log", value(), None),
                    ]);
                assert!(etcd.txn(txn).await.expect("a transaction").succeeded());
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

/// How long each operation took, in order, and how long it all was.
struct Measured {
    took: Vec<Duration>,
    time: Duration,
}

async fn measure(time: Duration, clients: Vec<Work>) -> Measured {
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for mut work in clients {
        running.spawn(async move {
            let mut took = Vec::new();
            while begun.elapsed() < time {
                let asked = Instant::now();
                work.once().await;
                took.push(asked.elapsed());
            }
            took
        });
    }
    let mut took: Vec<_> = running.join_all().await.into_iter().flatten().collect();
    took.sort_unstable();
    Measured { took, time: begun.elapsed() }
}

impl Measured {
    fn rate(&self) -> f64 {
        self.took.len() as f64 / self.time.as_secs_f64()
    }

    /// Milliseconds, of the operation at this part of all.
    fn at(&self, part: f64) -> f64 {
        let at = ((self.took.len() - 1) as f64 * part) as usize;
        self.took[at].as_secs_f64() * 1000.0
    }

    fn print(&self, what: &str) {
        println!("{what:<34} {:>8.0} {:>8.2} {:>8.2}", self.rate(), self.at(0.5), self.at(0.99));
    }
}
