use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use drydock::config::tokens;
use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::gateway::GatewayClient;
use drydock_api::runservice::client::RunserviceClient;
use drydock_backends::tcp::TcpNet;
use drydock_core::context::Context;
use drydock_http::client::Client;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The timeout of each step, longer than any step here takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The address of every service, with a free port, so that tests run side by side.
pub const FREE_PORTS: [&str; 6] = [
    "--configstore-listen",
    "127.0.0.1:0",
    "--runservice-listen",
    "127.0.0.1:0",
    "--gateway-listen",
    "127.0.0.1:0",
];

/// A data directory, and commands on it.
pub struct Installation {
    dir: TempDir,
}

pub struct Running {
    pub child: Child,
    pub address: String,
    pub client: ConfigstoreClient,
    /// A client of runservice with the internal token.
    pub runs: RunserviceClient,
    /// The address of runservice.
    pub runservice: String,
    /// The gateway's address.
    pub gateway: String,
    /// A client with the admin token.
    pub admin: GatewayClient,
}

pub fn soon() -> Context {
    Context::background().timeout(PATIENCE)
}

pub fn drydock() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drydock"));
    command.env_clear().kill_on_drop(true).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub async fn run(args: &[&str]) -> Output {
    let output = drydock().args(args).output();
    tokio::time::timeout(PATIENCE, output).await.expect("it ends").unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

impl Installation {
    pub fn new() -> Installation {
        Installation { dir: TempDir::new().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Starts `serve all` and waits until it is ready.
    pub async fn start(&self) -> Running {
        let mut command = drydock();
        command.stderr(Stdio::null());
        self.start_with(command).await
    }

    /// The same with a command that may have variables, and a stderr, of its own.
    pub async fn start_with(&self, command: Command) -> Running {
        self.start_args(command, &[]).await
    }

    /// The same with further arguments of `serve all`.
    pub async fn start_args(&self, mut command: Command, args: &[&str]) -> Running {
        command.args(["serve", "all"]).args(args).args(FREE_PORTS).arg("--data-dir");
        let mut child = command.arg(self.data()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut listens = async |service: &str| {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
            let line = line.expect("it says where it listens").unwrap().expect("a line for each");
            let printed = format!("{service} listens on http://");
            line.strip_prefix(&printed).expect(&line).to_owned()
        };
        let (address, runs) = (listens("configstore").await, listens("runservice").await);
        let gateway = listens("gateway").await;
        let tokens = tokens::read(&self.data()).unwrap();
        let client = |address: &str, token: String| {
            Client::new(Arc::new(TcpNet), address).with_token(SecretString::from(token))
        };
        let http = client(&address, tokens.internal.clone());
        let runservice = runs.clone();
        let (runs, face) = (client(&runs, tokens.internal), client(&gateway, tokens.admin));
        for client in [&http, &runs, &face] {
            ready(client).await;
        }
        let (client, admin) = (ConfigstoreClient::new(http), GatewayClient::new(face));
        let runs = RunserviceClient::new(runs);
        Running { child, address, client, runs, runservice, gateway, admin }
    }

    /// Runs an operator's command on this installation.
    pub async fn operate(&self, args: &[&str]) -> Output {
        let data = self.data();
        run(&[args, &["--data-dir", utf8(&data)]].concat()).await
    }
}

pub fn utf8(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Looks again and again until there is something.
pub async fn until<T>(mut find: impl AsyncFnMut() -> Option<T>) -> T {
    let ctx = soon();
    loop {
        if let Some(found) = find().await {
            return found;
        }
        ctx.check().expect("it comes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn ready(http: &Client) {
    let ctx = soon();
    loop {
        let asked = http.request(http::Method::GET, "/readyz").send_bytes(&ctx).await;
        if asked.is_ok() {
            return;
        }
        ctx.check().expect("it becomes ready");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Sends a signal to a process that runs.
pub fn signal(child: &Child, name: &str) {
    let pid = child.id().expect("it runs").to_string();
    let killed = std::process::Command::new("kill").args(["-s", name, &pid]).status();
    assert!(killed.unwrap().success());
}

impl Running {
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for the end of the process, and returns its exit code.
    pub async fn end(mut self) -> Option<i32> {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends").unwrap().code()
    }
}
