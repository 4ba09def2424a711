//! A service in memory, or on servers if the environment names some. Instances start as in
//! production, through `runtime::start`; the seams below them belong to the test, and give the same
//! ids and times every time.

use std::sync::Arc;
use std::time::Duration;

use drydock_configstore::Configstore;
use drydock_core::coord::memory::Memory;
use drydock_core::coord::{CoordinationExt, Put};
use drydock_core::db::Execution;
use drydock_core::env::{Env, RngTree};
use drydock_core::log::format::{InstanceRecord, InstanceState, encode};
use drydock_core::log::keys::Keys;
use drydock_core::net::Net;
use drydock_http::testing::duplex::DuplexNet;
use drydock_runtime::{Deps, PeerNet, Service, Settings};
use object_store::memory::InMemory;
use secrecy::SecretString;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Exchange, Request};
use crate::faulty::{FaultyCoordination, FaultyObjects, Switch};
use crate::run::{RuntimeClock, run, until};
use crate::servers;

pub const TOKEN: &str = "the-internal-token-of-the-tests";
/// Encryption keys: the primary one, and one that is no longer.
pub const KEYS: &str = "test:0101010101010101010101010101010101010101010101010101010101010101,\
    old:0202020202020202020202020202020202020202020202020202020202020202";

/// When tests begin, however long the start took: it is not to be seen in snapshots.
const STARTED: Duration = Duration::from_secs(1);

/// One deployment of a service with any number of instances.
pub struct TestApp {
    pub coordination: FaultyCoordination,
    pub objects: Arc<FaultyObjects>,
    clock: Arc<RuntimeClock>,
    net: DuplexNet,
    scratch: TempDir,
    instances: Vec<Instance>,
}

struct Instance {
    client: Client,
    stop: CancellationToken,
    running: AbortHandle,
}

/// Runs a test with one instance that is ready.
pub fn with_app(test: impl AsyncFnOnce(TestApp)) {
    run(async {
        let mut app = TestApp::new();
        app.add(settings()).await;
        app.ready().await;
        test(app).await;
    });
}

/// The settings of an instance: the defaults.
pub fn settings() -> Settings {
    let keys = KEYS.parse().expect("the keys are well-formed");
    Settings::new(SecretString::from(TOKEN), keys)
}

impl TestApp {
    /// A deployment without an instance. Call it under [`run`].
    ///
    /// # Panics
    /// If there is no folder for temporary files.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> TestApp {
        let clock = Arc::new(RuntimeClock::new());
        let (coordination, objects) = servers::stores()
            .unwrap_or_else(|| (Arc::new(Memory::new(clock.clone())), Arc::new(InMemory::new())));
        TestApp {
            coordination: FaultyCoordination { store: coordination, trouble: Switch::default() },
            objects: Arc::new(FaultyObjects { store: objects, trouble: Switch::default() }),
            clock,
            net: DuplexNet::default(),
            scratch: TempDir::new().expect("there is a folder for temporary files"),
            instances: Vec::new(),
        }
    }

    pub fn net(&self) -> &DuplexNet {
        &self.net
    }

    pub fn clock(&self) -> Arc<RuntimeClock> {
        Arc::clone(&self.clock)
    }

    /// Starts one more instance of configstore, and does not wait until it is ready.
    ///
    /// # Panics
    /// If its address is taken, which it is not.
    pub async fn add(&mut self, settings: Settings) {
        self.add_service(Configstore::default(), settings).await;
    }

    /// As [`add`](Self::add), of any service.
    ///
    /// # Panics
    /// As [`add`](Self::add).
    pub async fn add_service<S: Service>(&mut self, service: S, settings: Settings) {
        let name = format!("{}-{}", S::schema().service, self.instances.len() + 1);
        let listener = self.net.listen(&format!("{name}:8001")).await;
        let listener = listener.expect("the address is free");
        let client = Client {
            net: Arc::new(self.net.clone()),
            address: listener.local_addr(),
            token: TOKEN.to_owned(),
        };
        let seeds = RngTree::from_seed(1).child(&name);
        let deps = Deps {
            peers: Some(PeerNet::plain(Arc::new(self.net.clone()))),
            env: Env::new(self.clock.clone(), seeds),
            coord: Arc::new(self.coordination.clone()),
            objects: self.objects.clone(),
            execution: Execution::Inline,
            scratch_dir: self.scratch.path().to_owned(),
        };
        let stop = CancellationToken::new();
        let running = drydock_runtime::start(service, settings, deps, listener, stop.clone());
        let running = tokio::spawn(running).abort_handle();
        self.instances.push(Instance { client, stop, running });
    }

    /// Waits until every instance is, and the test's time begins.
    pub async fn ready(&self) {
        for Instance { client, .. } in &self.instances {
            until(async || {
                let answer = client.send(Request::get("/readyz")).await;
                answer.status == 200 && answer.json()["state"] == "normal"
            })
            .await;
        }
        self.clock.reach(STARTED).await;
    }

    /// The client of the first instance.
    pub fn client(&self) -> &Client {
        self.instance(1)
    }

    /// The client of the instance with this number, from 1.
    pub fn instance(&self, number: usize) -> &Client {
        &self.instances[number - 1].client
    }

    /// The clients of all instances.
    pub fn clients(&self) -> impl Iterator<Item = &Client> {
        self.instances.iter().map(|instance| &instance.client)
    }

    /// Stops an instance as an operator would.
    pub fn stop(&self, number: usize) {
        self.instances[number - 1].stop.cancel();
    }

    /// Kills an instance, with all that it has in memory.
    pub fn kill(&self, number: usize) {
        self.instances[number - 1].running.abort();
    }

    /// Sends to the first instance.
    pub async fn send(&self, request: Request) -> Exchange {
        self.client().send(request).await
    }

    pub async fn get(&self, path: &str) -> Exchange {
        self.send(Request::get(path)).await
    }

    /// Makes users and organizations with these names; `org` belongs to `owner`.
    pub async fn seed(&self, users: &[&str], orgs: &[(&str, &str)]) {
        for name in users {
            let body = json!({ "name": name });
            self.send(Request::post("/api/v1/users").json(&body)).await.expect(201);
        }
        for (name, owner) in orgs {
            let body = json!({ "name": name, "visibility": "public", "owner": owner });
            self.send(Request::post("/api/v1/orgs").json(&body)).await.expect(201);
        }
    }

    /// As [`seed_tree`](seed_tree).
    pub async fn seed_tree(&self) {
        seed_tree(self.client()).await;
    }

    /// Switches maintenance on, and waits until every instance has acknowledged it.
    pub async fn maintenance_on(&self) -> Exchange {
        self.send(Request::put("/api/v1/maintenance?wait=30s")).await.expect(200)
    }

    /// Switches maintenance off, and waits until every instance serves again.
    pub async fn maintenance_off(&self) {
        self.send(Request::delete("/api/v1/maintenance?wait=30s")).await.expect(204);
        self.ready().await;
    }

    /// Adds an instance that is listed and acknowledges nothing.
    pub async fn add_silent_instance(&self) {
        let silent = InstanceRecord {
            id: "silent".to_owned(),
            version: "0.0.0".to_owned(),
            schema: 1,
            address: "silent:1".to_owned(),
            state: InstanceState::Normal,
            generation: 0,
            position: Some(0),
            seen_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let key = Keys::new("default", "configstore").instance("silent");
        self.coordination
            .store
            .put(Put::new(key, encode(&silent)))
            .await
            .expect("the store takes it");
    }

    /// What the service holds, whoever asks.
    pub async fn export(&self) -> String {
        self.get("/api/v1/export").await.expect(200).text().to_owned()
    }
}

/// Makes one of everything else: remote source `forge`, group `org/acme/web` with the project
/// `site`, each with the secret `deploy` and the variable `password`, and alice's token
/// `laptop`. Needs the user alice and the organization acme.
pub async fn seed_tree(client: &Client) {
    let forge = json!({
        "name": "forge",
        "api_url": "https://forge.example/api",
        "kind": "gitea",
        "auth_kind": "token",
    });
    let web = json!({ "name": "web", "parent": "org/acme", "visibility": "public" });
    let site = json!({
        "name": "site",
        "parent": "org/acme/web",
        "visibility": "public",
        "remote_source": "forge",
        "repository_path": "acme/site",
    });
    let deploy = json!({ "name": "deploy", "data": { "key": "the plain value" } });
    let value = json!({ "secret_name": "deploy", "secret_var": "key" });
    let password = json!({ "name": "password", "values": [value] });
    for (path, body) in [
        ("remote_sources", &forge),
        ("project_groups", &web),
        ("projects", &site),
        ("project_groups/org%2Facme%2Fweb/secrets", &deploy),
        ("projects/org%2Facme%2Fweb%2Fsite/secrets", &deploy),
        ("project_groups/org%2Facme%2Fweb/variables", &password),
        ("projects/org%2Facme%2Fweb%2Fsite/variables", &password),
        ("users/alice/tokens", &json!({ "name": "laptop" })),
    ] {
        client.send(Request::post(&format!("/api/v1/{path}")).json(body)).await.expect(201);
    }
}
