//! What a question costs at the gateway, beside the same question at configstore, and how many
//! calls behind it each kind of request makes.
//!
//! ```text
//! cargo bench --bench gateway
//! ```
//!
//! One process: configstore on the embedded store with objects in files, a gateway in front of it,
//! and clients that keep their connections, all over TCP. Both rates are measured in turns of half
//! a second, so that whatever else the machine does meets both; the ratio is the median over the
//! turns. `BENCH_SECONDS` is how long each is measured (10), `BENCH_CLIENTS` how many ask (8).

#![expect(clippy::print_stdout, reason = "a benchmark may end when nobody reads it")]

mod counted;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use drydock_backends::embedded::Embedded;
use drydock_backends::objects::open_fs;
use drydock_backends::tcp::TcpNet;
use drydock_configstore::Configstore;
use drydock_core::context::Context;
use drydock_core::db::Execution;
use drydock_core::env::{Env, SystemClock};
use drydock_core::net::{BoxStream, Listener, Net};
use drydock_gateway::Gateway;
use drydock_http::client::{Client, ClientError};
use drydock_http::server::HttpSettings;
use drydock_runtime::{Deps, StatelessSettings};
use drydock_tests::app::{TOKEN, settings};
use http::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const ADMIN_TOKEN: &str = "the-admin-token-of-the-benchmark";
const TURN: Duration = Duration::from_millis(500);
const TURNS_PER_SECOND: usize = 2;
const AIM: f64 = 0.6;
const USER: &str = "/api/v1/users/alice";
const PROJECT: &str = "/api/v1/projects/user%2Falice%2Fweb%2Fsite";

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let scratch = tempfile::tempdir().expect("a folder");
        let stop = CancellationToken::new();
        let world = World::start(scratch.path(), &stop).await;
        world.count().await;
        world.measure().await;
        stop.cancel();
    });
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The gateway's network, which counts the requests that are sent over it.
struct CountingNet(Arc<AtomicUsize>);

#[async_trait]
impl Net for CountingNet {
    async fn dial(&self, authority: &str) -> io::Result<BoxStream> {
        Ok(Box::new(counted::Counted::new(TcpNet.dial(authority).await?, Arc::clone(&self.0))))
    }

    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        TcpNet.listen(address).await
    }
}

struct World {
    /// Alice's own, and that of services.
    gateway: Client,
    configstore: Client,
    calls: Arc<AtomicUsize>,
}

impl World {
    async fn start(folder: &std::path::Path, stop: &CancellationToken) -> World {
        let listener = TcpNet.listen("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr();
        let configstore = client(&address, TOKEN);
        let coord = folder.join("coordination.redb");
        let execution = Execution::Threads { readers: 4 };
        let clock = Arc::new(SystemClock::default());
        let coord = Embedded::open(&coord, clock, execution).expect("a store");
        let deps = Deps {
            peers: None,
            env: Env::system(),
            coord: Arc::new(coord),
            objects: open_fs(&folder.join("objects")).expect("a folder for objects"),
            execution,
            scratch_dir: folder.to_owned(),
        };
        let service = Configstore::default();
        tokio::spawn(drydock_runtime::start(service, settings(), deps, listener, stop.clone()));
        ready(&configstore).await;

        let listener = TcpNet.listen("127.0.0.1:0").await.expect("a free port");
        let calls = Arc::<AtomicUsize>::default();
        let settings = drydock_gateway::Settings {
            internal_token: SecretString::from(TOKEN),
            admin_token: SecretString::from(ADMIN_TOKEN),
            // Nothing asks it.
            runservice: vec![address.clone()],
            configstore: vec![address],
        };
        let runtime = StatelessSettings {
            internal_token: SecretString::from(TOKEN),
            http: HttpSettings::default(),
        };
        let admin = client(&listener.local_addr(), ADMIN_TOKEN);
        let gateway = Gateway::new(settings, Arc::new(CountingNet(Arc::clone(&calls))));
        let env = Env::system();
        tokio::spawn(drydock_runtime::start_stateless(
            gateway,
            runtime,
            env,
            listener,
            stop.clone(),
        ));
        ready(&admin).await;
        let token = populate(&admin).await;
        World { gateway: client(admin.authority(), &token), configstore, calls }
    }

    /// Prints how many calls the gateway makes for one request of each kind.
    async fn count(&self) {
        let user = |name: &str| format!("user/alice/{name}");
        let project = json!({ "name": "shop", "parent": user("web") });
        let shop = "/api/v1/projects/user%2Falice%2Fweb%2Fshop";
        for (what, method, path, body) in [
            ("GET user", Method::GET, USER, None),
            ("GET project", Method::GET, PROJECT, None),
            ("POST project", Method::POST, "/api/v1/projects", Some(project)),
            ("PUT project", Method::PUT, shop, Some(json!({ "members_can_run": true }))),
            ("PUT project that moves", Method::PUT, shop, Some(json!({ "parent": user("other") }))),
            ("DELETE project", Method::DELETE, PROJECT, None),
        ] {
            let before = self.calls.load(Ordering::Relaxed);
            send(&self.gateway, method, path, body.as_ref()).await.expect(what);
            let calls = self.calls.load(Ordering::Relaxed) - before;
            println!("{what:<30} {calls} calls behind the gateway");
        }
    }

    /// Prints how many questions are answered by either.
    async fn measure(&self) {
        let turns = number("BENCH_SECONDS", 10) * TURNS_PER_SECOND;
        let mut rates = Vec::new();
        for _ in 0..turns {
            rates.push((turn(&self.gateway).await, turn(&self.configstore).await));
        }
        let mut ratios: Vec<_> = rates.iter().map(|(one, other)| one / other).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let mean = |of: fn(&(f64, f64)) -> f64| rates.iter().map(of).sum::<f64>() / turns as f64;
        println!("GET user at the gateway        {:>8.0} per second", mean(|turn| turn.0));
        println!("GET user at configstore        {:>8.0} per second", mean(|turn| turn.1));
        println!("ratio {:.2}, the aim is {AIM} or more", ratios[ratios.len() / 2]);
    }
}

fn client(address: &str, token: &str) -> Client {
    Client::new(Arc::new(TcpNet), address).with_token(SecretString::from(token))
}

async fn ready(client: &Client) {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    let ctx = Context::background();
    while client.request(Method::GET, "/readyz").send_bytes(&ctx).await.is_err() {
        looks.tick().await;
    }
}

async fn send(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Vec<u8>, ClientError> {
    let call = client.request(method, path);
    let call = body.into_iter().fold(call, |call, body| call.json(body));
    Ok(call.send_bytes(&Context::background()).await?.body.to_vec())
}

/// Makes alice with two groups and a project. Answers her token.
async fn populate(admin: &Client) -> String {
    let group = |name: &str| json!({ "name": name, "parent": "user/alice" });
    let mut last = Vec::new();
    for (list, body) in [
        ("users", json!({ "name": "alice" })),
        ("project_groups", group("web")),
        ("project_groups", group("other")),
        ("projects", json!({ "name": "site", "parent": "user/alice/web" })),
        ("users/alice/tokens", json!({ "name": "bench" })),
    ] {
        let path = format!("/api/v1/{list}");
        last = send(admin, Method::POST, &path, Some(&body)).await.expect("it is made");
    }
    let token: Value = serde_json::from_slice(&last).expect("JSON");
    token["value"].as_str().expect("a value").to_owned()
}

/// How many answers to GET of a user all clients together get in a second.
async fn turn(client: &Client) -> f64 {
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..number("BENCH_CLIENTS", 8) {
        let client = client.clone();
        running.spawn(async move {
            let mut answers = 0_usize;
            while begun.elapsed() < TURN {
                send(&client, Method::GET, USER, None).await.expect("an answer");
                answers += 1;
            }
            answers
        });
    }
    let answers: usize = running.join_all().await.into_iter().sum();
    answers as f64 / begun.elapsed().as_secs_f64()
}
