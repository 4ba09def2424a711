//! All services and an executor, each a process, in a folder that goes with them.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use drydock_api::gateway::GatewayClient;
use drydock_backends::tcp::TcpNet;
use drydock_http::client::Client;
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;

pub const PROJECT: &str = "user/alice/site";
/// The attempts that the executor runs at once.
pub const LIMIT: usize = 8;
/// How `/proc` counts the time of processes, on every Linux that there is.
const TICKS_A_SECOND: f64 = 100.0;

pub struct Installation {
    pub services: Child,
    pub executor: Child,
    gateway: String,
    /// Alice's.
    token: String,
    folder: TempDir,
    /// The services' own, which is not to close before they end.
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Installation {
    pub fn start() -> Installation {
        let folder = TempDir::new().expect("a folder");
        let data = folder.path().join("services");
        let free = "127.0.0.1:0";
        let mut services = drydock();
        services.args(["serve", "all", "--configstore-listen", free]);
        services.args(["--runservice-listen", free, "--gateway-listen", free]);
        services.arg("--data-dir").arg(&data);
        let mut services = services.stdout(Stdio::piped()).spawn().expect("services start");
        let mut lines = BufReader::new(services.stdout.take().expect("a pipe")).lines();
        let mut address = |service: &str| {
            let line = lines.next().expect("a line for each service").expect("a line");
            let start = format!("{service} listens on ");
            line.strip_prefix(&start).unwrap_or_else(|| panic!("{line}")).to_owned()
        };
        address("configstore");
        let (runservice, gateway) = (address("runservice"), address("gateway"));
        let operate = |args: &[&str]| {
            let mut command = drydock();
            command.args(args).arg("--data-dir").arg(&data);
            printed(&mut command)
        };
        operate(&["user", "create", "alice"]);
        let token = operate(&["token", "create", "bench", "--user", "alice", "--json"]);
        let token: Value = serde_json::from_str(&token).expect("JSON");
        let token = token["value"].as_str().expect("a token has a value").to_owned();
        let own = folder.path().join("machine");
        fs::create_dir_all(own.join("executor")).expect("a folder");
        let file = own.join("executor/token");
        operate(&["executor", "register", "one", "--token-file", utf8(&file)]);
        let mut executor = drydock();
        executor.args(["executor", "run", "--executor-limit", &LIMIT.to_string()]);
        executor.args(["--executor-runservice", runservice.trim_start_matches("http://")]);
        let executor = executor.arg("--data-dir").arg(&own).spawn().expect("the executor starts");
        let started = Installation { services, executor, gateway, token, folder, _stdout: lines };
        started.alice(&["project", "create", "user/alice", "site"]);
        started
    }

    /// A command of the user's.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = drydock();
        command.args(args).env("DRYDOCK_TOKEN", &self.token);
        command.env("DRYDOCK_GATEWAY", &self.gateway);
        command
    }

    /// The user's client of the gateway.
    pub fn gateway(&self) -> GatewayClient {
        let http = Client::new(Arc::new(TcpNet), self.gateway.trim_start_matches("http://"));
        GatewayClient::new(http.with_token(SecretString::from(self.token.clone())))
    }

    /// What it prints.
    pub fn alice(&self, args: &[&str]) -> String {
        printed(&mut self.command(args))
    }

    /// Writes a file with one run, of one task with these steps.
    pub fn file(&self, name: &str, steps: &[&str]) -> PathBuf {
        let steps: Vec<_> = steps.iter().map(|step| serde_json::json!({ "run": step })).collect();
        let task = serde_json::json!({ "build": { "steps": steps } });
        let file = serde_json::json!({ "version": 1, "runs": { "main": { "tasks": task } } });
        let path = self.folder.path().join(name);
        fs::write(&path, file.to_string()).expect("a file");
        path
    }

    /// The seconds that services, the executor and all that they have started have computed.
    pub fn computed(&self) -> f64 {
        let of = |child: &Child| {
            let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("it runs");
            let fields = stat.rsplit_once(')').expect("a name in brackets").1.split_whitespace();
            // User and system time, own and of children that were waited for: fields 14 to 17.
            fields
                .skip(11)
                .take(4)
                .map(|ticks| ticks.parse::<f64>().expect("a number"))
                .sum::<f64>()
        };
        (of(&self.services) + of(&self.executor)) / TICKS_A_SECOND
    }

    /// The greatest memory that the executor has used, in bytes.
    pub fn executors_peak(&self) -> u64 {
        let path = format!("/proc/{}/status", self.executor.id());
        let status = fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib * 1024
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        for child in [&mut self.executor, &mut self.services] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn drydock() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drydock-under-test"));
    command.env_clear().stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn printed(command: &mut Command) -> String {
    let output = command.stderr(Stdio::piped()).output().expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).expect("text")
}

pub fn utf8(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
