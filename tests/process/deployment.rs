//! Several instances on a real etcd and a real S3 server, with proxies in between.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::admin::AdminClient;
use drydock_backends::objects::open_s3;
use drydock_backends::tcp::TcpNet;
use drydock_backends::testing::{ETCD, EtcdServers, Proxy, WEED, Weed, free_addresses, program};
use drydock_core::context::Context;
use drydock_core::store::{Durability, StoreSettings};
use drydock_http::client::Client;
use drydock_sim::against::{self, Found, Inside};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const TOKEN: &str = "a-token-of-all-instances";
const CLUSTER: &str = "test";
const MEMBERS: usize = 3;
/// Longer than anything here takes, shorter than a hung test run.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long the operator's part of the load is stretched.
const LOAD: Duration = Duration::from_secs(40);
const CLIENTS: usize = 8;

/// The instances of one service, and what they need.
pub struct Deployment {
    pub etcd: EtcdServers,
    pub weed: Weed,
    /// In front of each member of etcd.
    pub to_etcd: Vec<Proxy>,
    pub to_weed: Proxy,
    pub instances: Vec<Instance>,
    service: &'static str,
    durability: Durability,
    folder: TempDir,
}

/// One process of a service, and the next one at the same address.
pub struct Instance {
    pub address: String,
    pub admin: AdminClient,
    command: Vec<String>,
    child: Child,
}

impl Instance {
    fn start(service: &str, address: &str, config: &Path, data: &Path) -> Instance {
        let listen = format!("--{service}-listen");
        let command = ["serve", service, &listen, address];
        let files = ["--config", utf8(config), "--data-dir", utf8(data)];
        let command = [&command[..], &files].concat();
        let command: Vec<String> = command.into_iter().map(str::to_owned).collect();
        let http = Client::new(Arc::new(TcpNet), address).with_token(SecretString::from(TOKEN));
        let child = spawn(&command);
        Instance { address: address.to_owned(), admin: AdminClient::new(http), command, child }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until the process has ended; answers its exit code.
    pub async fn end(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends").unwrap().code()
    }

    /// Starts it again, where it was, and waits until it is ready.
    pub async fn start_again(&mut self) {
        self.child = spawn(&self.command);
        self.ready().await;
    }

    pub async fn ready(&self) {
        let http = Client::new(Arc::new(TcpNet), &*self.address);
        until("it is ready", async || {
            http.request(http::Method::GET, "/readyz").send_bytes(&soon()).await.is_ok()
        })
        .await;
    }
}

pub fn spawn(command: &[String]) -> Child {
    let mut process = drydock();
    process.args(command).stdout(Stdio::null()).stderr(Stdio::null());
    process.spawn().unwrap()
}

pub fn drydock() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drydock-under-test"));
    command.env_clear().kill_on_drop(true).stdin(Stdio::null());
    command
}

fn keys() -> String {
    format!("key-1:{}", "5a".repeat(32))
}

pub fn soon() -> Context {
    Context::background().timeout(PATIENCE)
}

pub fn utf8(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Waits until `holds`, which `what` says.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

impl Deployment {
    /// Three instances of configstore.
    pub async fn start(durability: Durability) -> Deployment {
        let mut started = Deployment::prepare("configstore", durability).await;
        let addresses: [String; 3] = free_addresses().await;
        started.start_instances(&addresses, "").await;
        started
    }

    /// The servers, without an instance.
    pub async fn prepare(service: &'static str, durability: Durability) -> Deployment {
        let (etcd, weed) = (program(ETCD), program(WEED));
        let etcd = EtcdServers::start(&etcd, MEMBERS).await;
        let weed = Weed::start(&weed).await;
        let mut to_etcd = Vec::new();
        for endpoint in etcd.endpoints() {
            to_etcd.push(Proxy::start(endpoint.trim_start_matches("http://").to_owned()).await);
        }
        let to_weed = Proxy::start(weed.address()).await;
        let folder = TempDir::new().unwrap();
        let instances = Vec::new();
        Deployment { etcd, weed, to_etcd, to_weed, instances, service, durability, folder }
    }

    /// Starts an instance at each of these addresses, and waits until all are ready. `settings`
    /// stand at the end of their configuration.
    pub async fn start_instances(&mut self, addresses: &[String], settings: &str) {
        let config = self.path("drydock.toml");
        std::fs::write(&config, self.toml() + settings).unwrap();
        for (number, address) in addresses.iter().enumerate() {
            let data = self.path(&format!("instance-{number}"));
            self.instances.push(Instance::start(self.service, address, &config, &data));
        }
        for instance in &self.instances {
            instance.ready().await;
        }
    }

    /// A client of all instances.
    pub fn http(&self) -> Client {
        let addresses = self.instances.iter().map(|instance| instance.address.clone());
        Client::of_any(Arc::new(TcpNet), addresses.collect()).with_token(SecretString::from(TOKEN))
    }

    fn toml(&self) -> String {
        let endpoints = self.to_etcd.iter().map(|proxy| format!("\"http://{}\"", proxy.address));
        let endpoints = endpoints.collect::<Vec<_>>().join(", ");
        let (access_key, secret_key) = Weed::KEYS;
        let durability = match self.durability {
            Durability::Quorum => "quorum",
            Durability::Archived => "archived",
        };
        format!(
            "cluster = \"{CLUSTER}\"\n\
             internal_token = \"{TOKEN}\"\n\
             encryption.keys = \"{keys}\"\n\
             instance.lease_ttl = \"3s\"\n\
             store.durability = \"{durability}\"\n\
             store.tasks.archive_period_ms = 200\n\
             store.tasks.checkpoint_period_ms = 2000\n\
             store.tasks.checkpoint_commits = 100\n\
             store.tasks.window_commits = 50\n\
             [coordination]\nkind = \"etcd\"\nendpoints = [{endpoints}]\n\
             [objects]\nkind = \"s3\"\nbucket = \"{bucket}\"\nendpoint = \"http://{s3}\"\n\
             access_key = \"{access_key}\"\nsecret_key = \"{secret_key}\"\n",
            keys = keys(),
            bucket = Weed::BUCKET,
            s3 = self.to_weed.address,
        )
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs an operator's command by way of an instance; it must succeed.
    pub async fn operate(&self, instance: usize, args: &[&str]) -> String {
        let url = format!("http://{}", self.instances[instance].address);
        let mut command = drydock();
        command.args(args).args(["--url", &url, "--token", TOKEN]);
        let ended = tokio::time::timeout(PATIENCE, command.output()).await;
        let ended = ended.expect("it ends").unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(ended.status.success(), "{args:?}: {}", said(&ended.stderr));
        said(&ended.stdout) + &said(&ended.stderr)
    }

    /// The position of the log, by whoever says it first.
    async fn position(&self) -> u64 {
        let mut found = 0;
        until("an instance has a status", async || {
            for instance in &self.instances {
                let ctx = Context::background().timeout(Duration::from_secs(2));
                if let Ok(status) = instance.admin.status(&ctx).await {
                    found = found.max(status.position.unwrap_or(0));
                    return true;
                }
            }
            false
        })
        .await;
        found
    }

    /// Waits until there are so many more commits; `why` it might not come to that.
    pub async fn goes_on(&self, commits: u64, why: &str) {
        let enough = self.position().await + commits;
        let what = format!("there are {commits} more commits: {why}");
        until(&what, async || self.position().await >= enough).await;
    }

    /// Begins the load of the simulator. What is seen is seen past the proxies.
    pub fn load(&self) -> Load {
        let instances = self.instances.iter().map(|instance| instance.address.clone()).collect();
        let objects = open_s3(&self.weed.settings(), Arc::new(TcpNet)).unwrap();
        let inside = Inside {
            cluster: CLUSTER.to_owned(),
            keys: keys().parse().unwrap(),
            durability: self.durability,
            unarchived: StoreSettings::default().unarchived_commits,
            coord: Arc::new(self.etcd.store()),
            objects,
        };
        let token = SecretString::from(TOKEN);
        let deployment = against::Deployment { instances, token, inside: Ok(inside) };
        let stop = CancellationToken::new();
        let told = stop.clone();
        let running = tokio::spawn(async move {
            let plan = against::plan(&deployment, 1, CLIENTS, LOAD);
            // It goes on until it is told otherwise.
            let plan = drydock_sim::plan::Plan { load_ms: 3_600_000, ..plan };
            against::run(&deployment, &plan, told).await
        });
        let switched = tokio::time::Instant::now() + LOAD;
        Load { stop, running, switched }
    }
}

/// The load of the simulator, which is under way.
pub struct Load {
    stop: CancellationToken,
    /// When the operator has taken all steps.
    switched: tokio::time::Instant,
    running: JoinHandle<Result<Found, drydock_harness::fleet::exit::Failure>>,
}

impl Load {
    /// Waits until the operator imports and restores nothing any more. A state that has been
    /// switched is loaded from objects: until they answer, nothing goes on.
    pub async fn operator_is_done(&self) {
        tokio::time::sleep_until(self.switched).await;
    }

    /// Ends the load. Every oracle must be content, and none have nothing to go by.
    pub async fn end(self) -> Found {
        self.stop.cancel();
        let found = self.running.await.unwrap();
        let found = found.unwrap_or_else(|failure| panic!("{failure}"));
        let checks = &found.checks;
        let shown = against::show(&found);
        println!("{shown}");
        assert!(checks.violations.is_empty() && checks.pending.is_empty(), "{shown}");
        assert!(checks.not_judged.is_empty(), "{shown}");
        found
    }
}
