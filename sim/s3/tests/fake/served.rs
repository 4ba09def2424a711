//! The process, what it says on stdout, and its ports.

use std::process::Stdio;
use std::time::Duration;

use drydock_sim_control::client::ask;
use http::Method;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequestBody;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_fake-s3");
/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Fake {
    pub child: Child,
    address: String,
    pub control: String,
    log: Lines<BufReader<ChildStdout>>,
}

impl Fake {
    /// With free ports, and its requests on stdout.
    pub async fn start(args: &[&str]) -> Fake {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
        command.args(["--bucket", "things", "--log", "-"]).args(args);
        let mut child =
            command.stdout(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
        let ports: Value = serde_json::from_str(&log.next_line().await.unwrap().unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (address, control) = (text(&ports["listening"][0]), text(&ports["control"]));
        Fake { child, address, control, log }
    }

    /// Sends a signed request on a connection of its own; answers all that comes back.
    pub async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> String {
        let mut request =
            http::Request::builder().method(method).uri(format!("http://{}{target}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(HttpRequestBody::empty()).unwrap();
        let credential =
            AwsCredential { key_id: "fake".into(), secret_key: "fake-secret".into(), token: None };
        let authorizer =
            AwsAuthorizer::new(&credential, "s3", "us-east-1").with_sign_payload(false);
        authorizer.try_authorize(&mut request, None).unwrap();
        let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.address);
        for (name, value) in request.headers() {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        text.push_str(&format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len()));
        #[expect(clippy::disallowed_methods, reason = "the process is on real TCP")]
        let connected = TcpStream::connect(&self.address).await;
        let Ok(mut stream) = connected else { return String::new() };
        stream.write_all((text + body).as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // What came before a reset counts.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    pub async fn put(&self, key: &str) -> String {
        self.send("PUT", &format!("/things/{key}"), &[], "content").await
    }

    pub async fn get(&self, key: &str) -> String {
        self.send("GET", &format!("/things/{key}"), &[], "").await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        ask(&self.control, Method::POST, path, body.to_string()).await.unwrap()
    }

    pub async fn objects(&self) -> Value {
        let state = ask(&self.control, Method::GET, "/state", String::new()).await.unwrap();
        state["buckets"][0]["objects"].clone()
    }

    /// The line of the next request: method, key, outcome and fault.
    pub async fn logged(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.log.next_line()).await.unwrap();
        let line: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
        json!([line["method"], line["key"], line["outcome"], line["fault"]])
    }
}
