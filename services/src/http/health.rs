//! Routes for those who watch over an instance. They need no token and answer in every state.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use drydock_core::error::BoxError;
use http::{StatusCode, header};
use prometheus_client::encoding::text::encode;
use serde::{Deserialize, Serialize};

use super::error::HttpError;
use super::route::Route;
use super::shell::App;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The body of `/version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub service: String,
    pub version: String,
}

pub fn routes<S: Clone + Send + Sync + 'static>() -> Vec<Route<S>> {
    vec![
        Route::get("/livez", livez::<S>).always().open(),
        Route::get("/readyz", readyz::<S>).always().open(),
        Route::get("/metrics", metrics::<S>).always().open(),
        Route::get("/version", version::<S>).always().open(),
    ]
}

async fn livez<S>(State(_): State<App<S>>) -> Response {
    axum::Json(serde_json::json!({ "live": true })).into_response()
}

async fn readyz<S>(State(app): State<App<S>>) -> Response {
    use drydock_core::error::{ApiError, Code, Kind};
    let readiness = app.shell.health.readiness();
    if readiness.ready {
        return (StatusCode::OK, axum::Json(readiness)).into_response();
    }
    let reason = readiness.reason.unwrap_or("the service is not ready".into());
    let error = ApiError::new(Kind::Unavailable).with_code(Code::NotReady).with_message(reason);
    HttpError::from(error).into_response()
}

async fn metrics<S>(State(app): State<App<S>>) -> Result<Response, HttpError> {
    let mut text = String::new();
    encode(&mut text, app.shell.health.registry()).map_err(BoxError::from)?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

async fn version<S>(State(app): State<App<S>>) -> axum::Json<Version> {
    axum::Json(Version {
        service: app.shell.service.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
