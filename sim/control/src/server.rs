//! The control port.
//!
//! | request | does |
//! |---|---|
//! | `GET /` | names methods and actions |
//! | `GET /faults` | all rules, and how often each has struck |
//! | `POST /faults` | adds a [`Rule`], and answers it with its id |
//! | `DELETE /faults/ID`, `DELETE /faults` | ends one, ends all |
//! | `GET /state` | what the server is like now |
//! | `POST /ACTION` | makes something happen, with the action's fields |
//!
//! What is not understood is answered with a status of 4xx and `{"error": "a sentence"}`, and has
//! no effect.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::process::{Error, Result, listen, local_address};
use crate::rules::{Fault, Rule, Rules};

const MAX_BODY_BYTES: usize = 1 << 20;
/// The pause after an error of `accept`.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A server with a control port.
#[async_trait]
pub trait Controlled: Send + Sync + 'static {
    type Fault: Fault;

    /// Names of what can be made to happen.
    fn actions(&self) -> &'static [&'static str];

    fn rules(&self) -> &Rules<Self::Fault>;

    /// Rules have come or gone.
    fn rules_changed(&self) {}

    fn state(&self) -> Value;

    /// `fields` is a JSON object, to be read with [`fields`].
    async fn act(&self, action: &str, fields: &[u8]) -> Result<()>;
}

/// What the command line says about control.
#[derive(Debug, Clone, clap::Args)]
pub struct ControlArgs {
    /// Where to listen for faults and actions from outside; without it there are none.
    #[arg(long, value_name = "ADDRESS")]
    pub control: Option<String>,
    /// Lets the control port be reached from other machines. Whoever reaches it may do anything.
    #[arg(long, requires = "control")]
    pub control_from_anywhere: bool,
    /// Faults to begin with: a JSON array of rules, as `POST /faults` takes each.
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// What is left to chance is drawn from this.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Writes a JSON line for each request to this file; `-` is stdout.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

impl ControlArgs {
    /// The listener of the control port, and its address.
    pub async fn listen(&self) -> Result<Option<(TcpListener, String)>> {
        let Some(address) = &self.control else { return Ok(None) };
        let listener = listen(address).await?;
        let bound = local_address(&listener)?;
        let loopback = bound.parse::<SocketAddr>().is_ok_and(|it| it.ip().is_loopback());
        if !loopback && !self.control_from_anywhere {
            return Err(Error(format!(
                "whoever reaches `{bound}` may do anything: pass `--control-from-anywhere` if \
                 that is meant, or a loopback address"
            )));
        }
        Ok(Some((listener, bound)))
    }

    /// The rules that the file holds.
    pub fn rules<F: Fault>(&self, members: usize) -> Result<Rules<F>> {
        let rules = Rules::new(self.seed, members);
        if let Some(path) = &self.faults {
            read_rules(path, &rules)?;
        }
        Ok(rules)
    }
}

fn read_rules<F: Fault>(path: &Path, rules: &Rules<F>) -> Result<()> {
    let json = std::fs::read(path).map_err(|error| Error::of_file(path, error))?;
    let all: Vec<Rule<F>> =
        serde_json::from_slice(&json).map_err(|error| Error::of_file(path, error))?;
    for rule in all {
        rules.add(rule).map_err(|error| Error::of_file(path, error))?;
    }
    Ok(())
}

/// Reads the fields of an action; no body is one without fields.
pub fn fields<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Error(error.to_string()))
}

/// Serves the control port until it is dropped.
pub async fn control<C: Controlled>(listener: TcpListener, controlled: Arc<C>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Such as too many open files.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let controlled = controlled.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let controlled = controlled.clone();
                async move { Ok::<_, Infallible>(answer(&*controlled, request).await) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            // Whoever broke it off knows.
            let _ = served.await;
        });
    }
}

async fn answer<C: Controlled>(
    controlled: &C,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let path = head.uri.path().trim_matches('/').to_owned();
    if head.uri.query().is_some() {
        return refusal(StatusCode::BAD_REQUEST, "no request has parameters");
    }
    let Routed { status, done } = route(controlled, &head.method, &path, &body).await;
    match done {
        Ok(value) => reply(status, &value),
        Err(error) => refusal(status, &error.0),
    }
}

struct Routed {
    status: StatusCode,
    done: Result<Value>,
}

async fn route<C: Controlled>(controlled: &C, method: &Method, path: &str, body: &[u8]) -> Routed {
    let rules = controlled.rules();
    let done = match (method.as_str(), path) {
        ("GET", "") => Ok(json!({
            "methods": C::Fault::methods(),
            "actions": controlled.actions(),
        })),
        ("GET", "state") => Ok(controlled.state()),
        ("GET", "faults") => Ok(json!(rules.list())),
        ("POST", "faults") => {
            let added = fields::<Rule<C::Fault>>(body).and_then(|rule| rules.add(rule));
            controlled.rules_changed();
            return Routed {
                status: if added.is_ok() { StatusCode::CREATED } else { StatusCode::BAD_REQUEST },
                done: added.map(|told| json!(told)),
            };
        }
        ("DELETE", "faults") => {
            rules.clear();
            controlled.rules_changed();
            Ok(json!({}))
        }
        ("DELETE", path) if path.starts_with("faults/") => {
            let id = path.trim_start_matches("faults/");
            let gone = id.parse().ok().and_then(|id| rules.remove(id));
            controlled.rules_changed();
            match gone {
                Some(told) => Ok(json!(told)),
                None => return unknown(format!("there is no fault `{id}`")),
            }
        }
        ("POST", action) if controlled.actions().contains(&action) => {
            controlled.act(action, body).await.map(|()| controlled.state())
        }
        _ => {
            let actions = controlled.actions().join("`, `");
            return unknown(format!(
                "there is no `{method} /{path}`: only `GET /`, `GET /state`, `GET /faults`, \
                 `POST /faults`, `DELETE /faults`, `DELETE /faults/ID`, and `POST /` with one of \
                 `{actions}`"
            ));
        }
    };
    let status = if done.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Routed { status, done }
}

fn unknown(text: String) -> Routed {
    Routed { status: StatusCode::NOT_FOUND, done: Err(Error(text)) }
}

fn refusal(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    reply(status, &json!({ "error": text }))
}

/// An answer as JSON.
pub fn reply(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(json)));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}
