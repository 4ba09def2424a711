//! Several instances on a real etcd and a real S3 server, with proxies in between.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use drydock_backends::tcp::TcpNet;
use drydock_backends::testing::{ETCD, EtcdServers, Proxy, WEED, Weed, program};
use drydock_core::context::Context;
use drydock_services::configstore::client::ConfigstoreClient;
use drydock_services::configstore::types::{NewUser, User};
use drydock_services::http::client::Client;
use drydock_services::http::page::ListQuery;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::harness::{drydock, ready, run, soon, text, utf8};

const TOKEN: &str = "a-token-of-all-instances";
/// How long a writer waits for one answer: less than the service may take.
const ONE_ANSWER: Duration = Duration::from_secs(5);
const MEMBERS: usize = 3;

pub struct Deployment {
    pub etcd: EtcdServers,
    pub weed: Weed,
    /// In front of each member of etcd.
    pub to_etcd: Vec<Proxy>,
    pub to_weed: Proxy,
    folder: TempDir,
}

/// One process of configstore.
pub struct Instance {
    pub child: Child,
    pub address: String,
    pub client: ConfigstoreClient,
}

impl Instance {
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }
}

impl Deployment {
    /// `None` where the real servers are missing.
    pub async fn start() -> Option<Deployment> {
        let (etcd, weed) = (program(ETCD)?, program(WEED)?);
        let etcd = EtcdServers::start(&etcd, MEMBERS).await;
        let weed = Weed::start(&weed).await;
        let mut to_etcd = Vec::new();
        for endpoint in etcd.endpoints() {
            to_etcd.push(Proxy::start(endpoint.trim_start_matches("http://").to_owned()).await);
        }
        let to_weed = Proxy::start(weed.address()).await;
        let folder = TempDir::new().unwrap();
        let deployment = Deployment { etcd, weed, to_etcd, to_weed, folder };
        std::fs::write(deployment.config(), deployment.toml()).unwrap();
        Some(deployment)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("drydock.toml")
    }

    fn toml(&self) -> String {
        let endpoints = self.to_etcd.iter().map(|proxy| format!("\"http://{}\"", proxy.address));
        let endpoints = endpoints.collect::<Vec<_>>().join(", ");
        let (access_key, secret_key) = Weed::KEYS;
        format!(
            "cluster = \"test\"\n\
             internal_token = \"{TOKEN}\"\n\
             encryption.keys = \"key-1:{key}\"\n\
             instance.lease_ttl = \"3s\"\n\
             [coordination]\nkind = \"etcd\"\nendpoints = [{endpoints}]\n\
             [objects]\nkind = \"s3\"\nbucket = \"{bucket}\"\nendpoint = \"http://{s3}\"\n\
             access_key = \"{access_key}\"\nsecret_key = \"{secret_key}\"\n",
            key = "5a".repeat(32),
            bucket = Weed::BUCKET,
            s3 = self.to_weed.address,
        )
    }

    /// Starts an instance in a folder of its own, and waits until it is ready.
    pub async fn instance(&self, number: usize) -> Instance {
        let data = self.folder.path().join(format!("instance-{number}"));
        let mut command = drydock();
        command.args(["serve", "configstore", "--configstore-listen", "127.0.0.1:0"]);
        command.args(["--config", utf8(&self.config()), "--data-dir", utf8(&data)]);
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = spawned.unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("it says where it listens");
        let address = line.strip_prefix("configstore listens on http://").expect(&line).to_owned();
        let http = Client::new(Arc::new(TcpNet), &address).with_token(SecretString::from(TOKEN));
        ready(&http).await;
        Instance { child, address, client: ConfigstoreClient::new(http) }
    }

    /// Runs an operator's command by way of an instance; it must succeed.
    pub async fn operate(&self, instance: &Instance, args: &[&str]) -> String {
        let url = format!("http://{}", instance.address);
        let ended = run(&[args, &["--url", &url, "--token", TOKEN]].concat()).await;
        assert!(ended.status.success(), "{args:?}: {}", text(&ended.stderr));
        text(&ended.stdout) + &text(&ended.stderr)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Writers that go on until they are told to stop, each at whichever instance answers.
pub struct Load {
    stop: Arc<AtomicBool>,
    heard: watch::Receiver<usize>,
    writers: JoinSet<Vec<User>>,
}

impl Load {
    /// `clients` may be replaced while it runs: by index of the instance.
    pub fn start(writers: usize, clients: watch::Receiver<Vec<ConfigstoreClient>>) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let (count, heard) = watch::channel(0);
        let count = Arc::new(count);
        let mut running = JoinSet::new();
        for writer in 0..writers {
            let (stop, count, clients) = (stop.clone(), count.clone(), clients.clone());
            running.spawn(async move {
                let mut acknowledged = Vec::new();
                let mut instance = writer;
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let client = {
                        let clients = clients.borrow();
                        clients[instance % clients.len()].clone()
                    };
                    let new = NewUser { name: format!("w{writer}-n{number}"), admin: false };
                    let ctx = Context::background().timeout(ONE_ANSWER);
                    match client.create_user(&ctx, &new, None).await {
                        Ok(created) => {
                            acknowledged.push(created.body);
                            count.send_modify(|count| *count += 1);
                        }
                        // It may be there or not: nobody is told, and nobody asks again.
                        Err(_) => instance += 1,
                    }
                    tokio::task::yield_now().await;
                }
                acknowledged
            });
        }
        Load { stop, heard, writers: running }
    }

    /// Waits until this many more writes were acknowledged.
    pub async fn goes_on(&mut self, more: usize, why: &str) {
        let enough = *self.heard.borrow() + more;
        let heard = self.heard.wait_for(|heard| *heard >= enough);
        let heard = tokio::time::timeout(soon().remaining().expect("it has an end"), heard).await;
        heard.unwrap_or_else(|_| panic!("writes stand still: {why}")).expect("writers run");
    }

    /// All that was acknowledged.
    pub async fn end(self) -> BTreeMap<String, User> {
        self.stop.store(true, Ordering::Relaxed);
        let users = self.writers.join_all().await.into_iter().flatten();
        users.map(|user| (user.name.to_string(), user)).collect()
    }
}

/// Every user that an instance knows; a name must not come twice.
pub async fn all_users(client: &ConfigstoreClient) -> BTreeMap<String, User> {
    let mut users = BTreeMap::new();
    let mut query = ListQuery { limit: Some("100".to_owned()), ..ListQuery::default() };
    loop {
        let page = client.users(&soon(), &query).await.unwrap();
        for user in page.items {
            let again = users.insert(user.name.to_string(), user);
            assert!(again.is_none(), "twice: {again:?}");
        }
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return users,
        }
    }
}
