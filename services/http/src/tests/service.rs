//! A toy service with one route for each kind of success and failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use drydock_core::error::BoxError;
use futures_util::StreamExt;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};

use crate::api::endpoint::Endpoint;
use crate::api::page::{InvalidPage, ListQuery};
use crate::api::precondition::etag;
use crate::server::context::App;
use crate::server::error::{HttpError, OperationError};
use crate::server::extract::{Json, Path, Query, unreadable};
use crate::server::route::Route;
use crate::server::{HttpSettings, health, reply};
use crate::testing::harness::Served;

pub type TestServer = Served<Toy>;

impl TestServer {
    pub async fn start() -> TestServer {
        TestServer::with(HttpSettings::default()).await
    }

    pub async fn with(settings: HttpSettings) -> TestServer {
        Served::new(settings, table(), Toy::default()).await
    }
}

#[derive(Clone, Default)]
pub struct Toy {
    /// Whether a download ends in the middle.
    pub download_fails: Arc<AtomicBool>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thing {
    pub name: String,
}

/// Part of a path: letters.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Word(String);

impl TryFrom<String> for Word {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Word, &'static str> {
        match text.chars().all(|c| c.is_ascii_alphabetic()) {
            true => Ok(Word(text)),
            false => Err("not a word"),
        }
    }
}

fn table() -> Vec<Route<Toy>> {
    let mut table = vec![
        Route::typed(Endpoint::get("/api/v1/things"), list),
        Route::new(Endpoint::post("/api/v1/things"), create),
        Route::new(Endpoint::get("/api/v1/things/{ref}"), get),
        Route::new(Endpoint::get("/api/v1/panic"), panics),
        Route::new(Endpoint::get("/api/v1/slow"), slow),
        Route::new(Endpoint::get("/api/v1/secret"), secret),
        Route::new(Endpoint::get("/api/v1/foreign"), foreign),
        Route::new(Endpoint::get("/api/v1/always").always(), always),
        Route::new(Endpoint::get("/api/v1/download").always().unbounded(), download),
        Route::new(Endpoint::post("/api/v1/upload").always().streamed().unbounded(), upload),
    ];
    table.extend(health::routes());
    table
}

async fn list(Query(query): Query<ListQuery>) -> Result<Response, OperationError<InvalidPage>> {
    query.page_of("things")?;
    Ok(reply::no_content())
}

async fn create(Json(thing): Json<Thing>) -> Result<Response, HttpError> {
    let location = format!("/api/v1/things/{}", thing.name);
    Ok(reply::created(&location, &etag(1, &thing), &thing))
}

async fn get(Path(thing): Path<Word>) -> Result<Response, HttpError> {
    let thing = Thing { name: thing.0 };
    Ok(reply::ok(&etag(1, &thing), &thing))
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

async fn always() -> Response {
    reply::no_content()
}

async fn download(State(app): State<App<Toy>>) -> Response {
    let lines = (0..20_000).map(|n| Ok(Bytes::from(format!("line {n}\n"))));
    let lines = futures_util::stream::iter(lines);
    if app.service.download_fails.load(Ordering::Relaxed) {
        let failure = futures_util::stream::iter([Err(BoxError::from("disk full"))]);
        return Body::from_stream(lines.take(10_000).chain(failure)).into_response();
    }
    Body::from_stream(lines).into_response()
}

/// Answers the number of bytes in the body.
async fn upload(request: Request) -> Result<axum::Json<usize>, HttpError> {
    let body = request.into_body().collect().await.map_err(unreadable)?;
    Ok(axum::Json(body.to_bytes().len()))
}
