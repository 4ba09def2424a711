//! The process, what it says on stdout, and its ports.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use drydock_sim_control::client::ask;
use etcd_client::Client;
use http::Method;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_fake-etcd");
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Fake {
    child: Child,
    pub addresses: Vec<String>,
    pub control: String,
    log: Lines<BufReader<ChildStdout>>,
}

impl Fake {
    /// With free ports, and its requests on stdout.
    pub async fn start(members: usize, args: &[&str]) -> Fake {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--control", "127.0.0.1:0", "--log", "-"]).args(args);
        for _ in 0..members {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let mut child =
            command.stdout(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
        let ports: Value = serde_json::from_str(&log.next_line().await.unwrap().unwrap()).unwrap();
        let addresses = ports["listening"].as_array().unwrap().iter();
        let addresses = addresses.map(|it| it.as_str().unwrap().to_owned()).collect();
        Fake { child, addresses, control: ports["control"].as_str().unwrap().to_owned(), log }
    }

    pub async fn client(&self, member: usize) -> Client {
        Client::connect([&self.addresses[member]], None).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        ask(&self.control, Method::POST, path, body.to_string()).await.unwrap()
    }

    pub async fn state(&self) -> Value {
        ask(&self.control, Method::GET, "/state", String::new()).await.unwrap()
    }

    /// The line of the next request.
    pub async fn logged(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.log.next_line()).await.unwrap();
        serde_json::from_str(&line.unwrap().unwrap()).unwrap()
    }

    /// Ends it as service managers do.
    pub async fn terminate(mut self) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap();
        assert!(ended.unwrap().success());
    }
}

pub fn words(error: etcd_client::Error) -> String {
    match error {
        etcd_client::Error::GRpcStatus(status) => status.message().to_owned(),
        other => other.to_string(),
    }
}

pub async fn get(address: &str, path: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "the process is on real TCP")]
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Whether another one begins with what is in the file.
pub async fn loads(dump: &Path) -> bool {
    let fake = Fake::start(1, &["--load", dump.to_str().unwrap()]).await;
    fake.client(0).await.get("kept", None).await.unwrap().count() == 1
}
