//! The control port from the command line.

use std::time::Duration;

use bytes::Bytes;
use clap::Subcommand;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::process::{Error, Result, print};

/// How long the control port may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Speaks to the control port of a server that runs.
#[derive(Debug, clap::Args)]
pub struct ClientArgs {
    /// Where the control port listens.
    #[arg(long, value_name = "ADDRESS")]
    at: String,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Adds a fault: a JSON object, as `{"methods": ["put"], "fault": {"kind": "throttle"}}`.
    Add { rule: String },
    /// Shows all faults, and how often each has struck.
    List,
    /// Ends a fault; without an id, all of them.
    Remove { id: Option<u64> },
    /// Makes something happen, as `kill '{"member": 1}'`; `GET /` names the actions.
    Do {
        action: String,
        /// The action's fields: a JSON object.
        #[arg(default_value = "{}")]
        fields: String,
    },
    /// Shows what the server is like now.
    State,
    /// Names the methods and the actions that there are.
    Names,
}

impl ClientArgs {
    /// Prints the answer.
    pub async fn run(self) -> Result<()> {
        let (method, path, body) = match self.what {
            What::Add { rule } => (Method::POST, "/faults".to_owned(), rule),
            What::List => (Method::GET, "/faults".to_owned(), String::new()),
            What::Remove { id: Some(id) } => {
                (Method::DELETE, format!("/faults/{id}"), String::new())
            }
            What::Remove { id: None } => (Method::DELETE, "/faults".to_owned(), String::new()),
            What::Do { action, fields } => (Method::POST, format!("/{action}"), fields),
            What::State => (Method::GET, "/state".to_owned(), String::new()),
            What::Names => (Method::GET, "/".to_owned(), String::new()),
        };
        let asked = ask(&self.at, method, &path, body);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => print(&answer?),
            Err(_) => Err(Error::about(&self.at, format!("no answer in {} s", PATIENCE.as_secs()))),
        }
    }
}

/// The answer of a control port; its refusals are errors.
pub async fn ask(at: &str, method: Method, path: &str, body: String) -> Result<Value> {
    let failed = |error: &dyn std::fmt::Display| Error::about(at, error);
    let authority = at.trim_start_matches("http://").trim_end_matches('/');
    #[expect(clippy::disallowed_methods, reason = "control ports are on real TCP")]
    let stream = TcpStream::connect(authority).await.map_err(|error| failed(&error))?;
    let connected = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await;
    let (mut sender, connection) = connected.map_err(|error| failed(&error))?;
    let driven = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::HOST, authority)
        .body(Full::new(body.into()))
        .map_err(|error| failed(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| failed(&error))?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|error| failed(&error))?.to_bytes();
    driven.abort();
    let value: Value = serde_json::from_slice(&body).map_err(|error| failed(&error))?;
    match value.get("error").and_then(Value::as_str) {
        Some(error) => Err(Error(error.to_owned())),
        None if status.is_success() => Ok(value),
        None => Err(failed(&status)),
    }
}
