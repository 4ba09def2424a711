//! Health routes, for monitoring. They need no token and answer in every state.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use drydock_core::error::{ApiError, BoxError, Code, Kind};
use http::header;
use prometheus_client::encoding::text::encode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::{App, AppContext, Details, Readiness};
use super::error::HttpError;
use super::extract::Query;
use super::gate::GateState;
use super::route::Route;
use crate::api::endpoint::Endpoint;
use crate::api::error_body::ErrorBody;
use crate::api::openapi;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The body of `/livez`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Live {
    live: bool,
}

/// The body of `/openapi.json`.
#[derive(JsonSchema)]
struct OpenApi {
    #[expect(dead_code, reason = "only its schema is used")]
    openapi: String,
    #[expect(dead_code, reason = "only its schema is used")]
    info: BTreeMap<String, Value>,
    #[expect(dead_code, reason = "only its schema is used")]
    paths: BTreeMap<String, Value>,
    #[expect(dead_code, reason = "only its schema is used")]
    components: BTreeMap<String, Value>,
}

/// The body of `/version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    pub service: String,
    pub version: String,
}

/// The body of `/readyz?verbose`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verbose {
    /// The code and message of an error; absent if ready.
    #[serde(flatten, skip_serializing_if = "Option::is_none", default)]
    pub error: Option<ErrorBody>,
    pub ready: bool,
    pub state: GateState,
    #[serde(flatten)]
    pub details: Details,
}

/// The answer of `/readyz` for an instance that is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
enum Ready {
    Verbose(Verbose),
    Brief(Readiness),
}

pub fn routes<S: Clone + Send + Sync + 'static>() -> Vec<Route<S>> {
    vec![
        Route::new(
            Endpoint::get("/livez")
                .always()
                .open()
                .about("says that the process lives")
                .answers::<Live>(),
            livez::<S>,
        ),
        Route::new(
            Endpoint::get("/readyz")
                .always()
                .open()
                .about("says whether the instance does its work")
                .query::<ReadyQuery>()
                .answers::<Ready>()
                .refuses(&[Code::NotReady]),
            readyz::<S>,
        ),
        Route::new(
            Endpoint::get("/metrics")
                .always()
                .open()
                .about("shows counters and gauges")
                .answers_media(OPEN_METRICS),
            metrics::<S>,
        ),
        Route::new(
            Endpoint::get("/version")
                .always()
                .open()
                .about("says which build this is")
                .answers::<Version>(),
            version::<S>,
        ),
        Route::new(
            Endpoint::get("/openapi.json")
                .always()
                .open()
                .about("describes all operations")
                .answers::<OpenApi>(),
            serve_document,
        ),
    ]
}

async fn livez<S>(State(_): State<App<S>>) -> Response {
    axum::Json(Live { live: true }).into_response()
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadyQuery {
    /// Given, whatever its value: says what the readiness is made of, and how far a load is.
    verbose: Option<String>,
}

async fn readyz<S>(State(app): State<App<S>>, Query(query): Query<ReadyQuery>) -> Response {
    let health = &app.context.health;
    let readiness = health.readiness();
    let Readiness { ready, state, ref reason } = readiness;
    if !ready {
        let reason = reason.clone().unwrap_or("the service is not ready".into());
        let error = ApiError::new(Kind::Unavailable).with_code(Code::NotReady);
        let error = error.with_message(reason);
        let body = ErrorBody { code: error.code().to_owned(), message: error.message().to_owned() };
        let mut response = HttpError::from(error).into_response();
        if query.verbose.is_some() {
            let error = Some(body);
            let body = Verbose { error, ready, state, details: health.details() };
            *response.body_mut() = axum::Json(body).into_response().into_body();
        }
        return response;
    }
    let body = match query.verbose {
        Some(_) => Ready::Verbose(Verbose { error: None, ready, state, details: health.details() }),
        None => Ready::Brief(readiness),
    };
    axum::Json(body).into_response()
}

async fn metrics<S>(State(app): State<App<S>>) -> Result<Response, HttpError> {
    let mut text = String::new();
    encode(&mut text, app.context.health.registry()).map_err(BoxError::from)?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

async fn version<S>(State(app): State<App<S>>) -> axum::Json<Version> {
    axum::Json(Version {
        service: app.context.service.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// The API document of one instance.
#[derive(Clone)]
pub(crate) struct Document(Arc<str>);

impl Document {
    pub(crate) fn new(app: &AppContext, endpoints: &[Endpoint]) -> Document {
        Document(openapi::document(app.service, endpoints, app.path_schema).to_string().into())
    }
}

async fn serve_document(Extension(Document(text)): Extension<Document>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response()
}
