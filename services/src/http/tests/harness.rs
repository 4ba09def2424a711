//! A small service with one route for each thing that can happen.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use drydock_core::context::Context;
use drydock_core::env::{Env, ManualClock, RngTree};
use drydock_core::error::{ApiError, BoxError, Code, Kind};
use drydock_core::log::format::Mode;
use drydock_core::net::{BoxStream, Net};
use futures_util::{StreamExt, TryStreamExt};
use prometheus_client::registry::Registry;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::http::admin::{
    self, Admin, Administered, ByteStream, ImportReport, Intent, MaintenanceStatus, ModeChange,
};
use crate::http::client::Client;
use crate::http::duplex::DuplexNet;
use crate::http::error::HttpError;
use crate::http::extract::{Json, Path, Query};
use crate::http::gate::{Gate, GateState};
use crate::http::metrics::HttpMetrics;
use crate::http::page::ListQuery;
use crate::http::route::{self, Route};
use crate::http::shell::{App, Health, Readiness, Shell, ShellParts};
use crate::http::{HttpSettings, health, reply, serve};
use crate::names::Ref;

pub const TOKEN: &str = "a-token-of-the-tests";

/// What the test's admin was asked, and what it answers.
#[derive(Clone, Default)]
pub struct Toy {
    pub changes: Arc<Mutex<Vec<ModeChange>>>,
    pub imported: Arc<Mutex<Vec<u8>>>,
    pub export_fails: Arc<Mutex<bool>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thing {
    pub name: String,
}

pub struct TestServer {
    pub net: DuplexNet,
    pub address: String,
    pub gate: Gate,
    pub toy: Toy,
    pub shutdown: CancellationToken,
    pub serving: JoinHandle<()>,
}

struct ToyHealth {
    gate: Gate,
    registry: Registry,
}

impl Health for ToyHealth {
    fn readiness(&self) -> Readiness {
        let state = self.gate.state();
        Readiness {
            ready: matches!(state, GateState::Normal | GateState::Maintenance),
            state,
            reason: None,
        }
    }

    fn registry(&self) -> &Registry {
        &self.registry
    }
}

impl TestServer {
    pub async fn start() -> TestServer {
        TestServer::with(HttpSettings::default()).await
    }

    pub async fn with(settings: HttpSettings) -> TestServer {
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let mut registry = Registry::default();
        let metrics = HttpMetrics::register(&mut registry);
        let gate = Gate::new(GateState::Normal);
        let shell = Shell::new(ShellParts {
            service: "toy",
            env: Env::new(clock, RngTree::from_seed(1)),
            settings: settings.clone(),
            internal_token: SecretString::from(TOKEN),
            gate: gate.clone(),
            health: Arc::new(ToyHealth { gate: gate.clone(), registry }),
            metrics,
        });
        let toy = Toy::default();
        let service = toy.clone();
        let router = route::router(table(), App { shell, service });
        let net = DuplexNet::default();
        let listener = net.listen("toy:0").await.unwrap();
        let address = listener.local_addr();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let serving = tokio::spawn(async move { serve(listener, router, &settings, stop).await });
        TestServer { net, address, gate, toy, shutdown, serving }
    }

    pub fn client(&self) -> Client {
        Client::new(Arc::new(self.net.clone()), &self.address).with_token(SecretString::from(TOKEN))
    }

    pub async fn connect(&self) -> BoxStream {
        self.net.dial(&self.address).await.unwrap()
    }

    /// Sends one request as it is and reads the whole answer.
    pub async fn raw(&self, request: &str) -> Raw {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        Raw::parse(&text)
    }

    /// A request with the token, closing the connection.
    pub async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Raw {
        let length = body.len();
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Authorization: Bearer {TOKEN}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        ))
        .await
    }
}

/// An answer as it came over the wire.
pub struct Raw {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Raw {
    fn parse(text: &str) -> Raw {
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Raw { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Status and code, having checked that the body is ours.
    pub fn error(&self) -> (u16, String) {
        let body: serde_json::Value = serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in `{}`", self.body));
        assert!(!body["message"].as_str().unwrap().is_empty());
        assert_eq!(body.as_object().unwrap().len(), 2);
        assert_eq!(self.header("content-type"), Some("application/json"));
        (self.status, body["code"].as_str().unwrap().to_owned())
    }
}

fn table() -> Vec<Route<Toy>> {
    let mut table = vec![
        Route::get("/api/v1/things", list),
        Route::post("/api/v1/things", create),
        Route::get("/api/v1/things/{ref}", get),
        Route::get("/api/v1/panic", panics),
        Route::get("/api/v1/slow", slow),
        Route::get("/api/v1/secret", secret),
        Route::get("/api/v1/foreign", foreign),
    ];
    table.extend(health::routes());
    table.extend(admin::routes());
    table
}

async fn list(Query(query): Query<ListQuery>) -> Result<Response, HttpError> {
    query.page()?;
    Ok(reply::no_content())
}

async fn create(Json(thing): Json<Thing>) -> Result<Response, HttpError> {
    let location = format!("/api/v1/things/{}", thing.name);
    Ok(reply::created(&location, &reply::etag(1, &thing), &thing))
}

async fn get(Path(thing): Path<Ref>) -> Result<Response, HttpError> {
    let thing = Thing { name: thing.to_string() };
    Ok(reply::ok(&reply::etag(1, &thing), &thing))
}

async fn panics() -> Response {
    panic!("a secret in a panic")
}

async fn slow() -> Response {
    tokio::time::sleep(Duration::from_secs(20)).await;
    reply::no_content()
}

async fn secret() -> Result<Response, HttpError> {
    Err(BoxError::from("a secret in the cause").into())
}

async fn foreign(State(_): State<App<Toy>>) -> http::StatusCode {
    http::StatusCode::IM_A_TEAPOT
}

impl Administered for Toy {
    fn admin(&self) -> &dyn Admin {
        self
    }
}

#[async_trait::async_trait]
impl Admin for Toy {
    async fn status(&self, _: &Context) -> Result<MaintenanceStatus, BoxError> {
        let changes = self.changes.lock().unwrap();
        let last = changes.last();
        Ok(MaintenanceStatus {
            mode: last.map_or(Mode::Normal, |change| change.mode),
            generation: changes.len() as u64,
            since: None,
            requested_by: last.map(|change| change.requested_by.clone()),
            reason: last.and_then(|change| change.reason.clone()),
            ready: true,
            instances: Vec::new(),
            lineage: None,
            position: None,
            last_recovery: None,
        })
    }

    async fn set_mode(
        &self,
        ctx: &Context,
        change: ModeChange,
    ) -> Result<MaintenanceStatus, BoxError> {
        self.changes.lock().unwrap().push(change);
        self.status(ctx).await
    }

    async fn export(&self, _: &Context) -> Result<ByteStream, BoxError> {
        let lines = (0..20_000).map(|n| Ok(Bytes::from(format!("line {n}\n"))));
        let lines = futures_util::stream::iter(lines);
        if *self.export_fails.lock().unwrap() {
            let failure = futures_util::stream::iter([Err("disk full".into())]);
            return Ok(lines.take(10_000).chain(failure).boxed());
        }
        Ok(lines.boxed())
    }

    async fn import(
        &self,
        _: &Context,
        export: ByteStream,
        intent: Intent,
    ) -> Result<ImportReport, BoxError> {
        let chunks: Vec<Bytes> = export.try_collect().await?;
        let bytes = chunks.concat();
        if bytes.starts_with(b"bad") {
            let error = ApiError::new(Kind::Unprocessable).with_code(Code::ImportCorrupt);
            return Err(error.into());
        }
        let counts = [("line".to_owned(), bytes.len() as u64)].into();
        if intent == Intent::Apply {
            *self.imported.lock().unwrap() = bytes;
        }
        Ok(ImportReport { lineage: uuid::Uuid::nil(), position: 1, counts, digest: String::new() })
    }
}
