//! A small service with one route for each thing that can happen.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use drydock_core::archive::{ImportReport, Intent};
use drydock_core::context::Context;
use drydock_core::error::{ApiError, BoxError, Code, Kind};
use drydock_core::log::format::Mode;
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::api::admin::{Lineage, MaintenanceStatus, RestoreReport};
use crate::api::names::Ref;
use crate::http::api::page::ListQuery;
use crate::http::server::context::App;
use crate::http::server::error::HttpError;
use crate::http::server::extract::{Json, Path, Query};
use crate::http::server::route::Route;
use crate::http::server::{HttpSettings, health, reply};
use crate::http::testing::harness::Served;
use crate::runtime::routes as admin;
use crate::runtime::routes::{Admin, Administered, ByteStream, ModeChange};

pub type TestServer = Served<Toy>;

impl TestServer {
    pub async fn start() -> TestServer {
        TestServer::with(HttpSettings::default()).await
    }

    pub async fn with(settings: HttpSettings) -> TestServer {
        Served::new(settings, table(), Toy::default()).await
    }
}

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

    async fn lineages(&self, _: &Context) -> Result<Vec<Lineage>, BoxError> {
        Ok(Vec::new())
    }

    async fn restore(&self, _: &Context, _: uuid::Uuid) -> Result<RestoreReport, BoxError> {
        Err("there is nothing to restore".into())
    }
}
