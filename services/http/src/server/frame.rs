//! The outermost layer, around routes and fallbacks alike: request ids, panics, the one log line of
//! a failed request, metrics, and the promise that every answer from 400 up has our body.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use drydock_core::error::{ApiError, Chain, Kind};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue};
use tracing::Instrument;

use super::context::AppContext;
use super::error::{HttpError, LoggedError};
use super::listener::drain_body::SharedBody;
use crate::api::error_body::kind_of;
use crate::api::headers::{REQUEST_ID, RequestId, TRACEPARENT, Trace};

const MAX_REQUEST_ID_LENGTH: usize = 128;
const UNMATCHED: &str = "unmatched";

pub(crate) async fn frame(
    State(app): State<Arc<AppContext>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = app.env.monotonic();
    let _in_flight = app.metrics.begin();
    let request_id = request_id(&app, request.headers());
    let trace = Trace {
        request_id: request_id.clone(),
        traceparent: request.headers().get(TRACEPARENT).cloned(),
    };
    request.extensions_mut().insert(trace);
    let (parts, body) = request.into_parts();
    let rest = SharedBody::new(&parts.headers, body);
    let request = Request::from_parts(parts, Body::new(rest.clone()));
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or(UNMATCHED, MatchedPath::as_str).to_owned();

    let span = tracing::info_span!("request", id = request_id.as_str(), %method, route);
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    let response = match handled.instrument(span.clone()).await {
        Ok(response) => response,
        Err(panic) => HttpError::from(panicked(&*panic)).into_response(),
    };
    let mut response = with_our_body(response);
    if let Some(failure) = response.extensions_mut().remove::<LoggedError>() {
        span.in_scope(|| log(&failure));
        rest.drain().await;
    }
    response.headers_mut().insert(REQUEST_ID, request_id.0);
    let took = app.env.monotonic().saturating_sub(started);
    app.metrics.record(&method, &route, response.status(), took);
    response
}

/// The id that the caller has sent, if it is well-formed, else a new one.
fn request_id(app: &AppContext, headers: &HeaderMap) -> RequestId {
    let usable = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
        (1..=MAX_REQUEST_ID_LENGTH).contains(&bytes.len()) && bytes.iter().all(safe)
    };
    match headers.get(REQUEST_ID).filter(usable) {
        Some(given) => RequestId(given.clone()),
        None => {
            let id = app.env.new_id().to_string();
            RequestId(HeaderValue::from_str(&id).expect("a UUID is ASCII"))
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("the panic's payload is no text");
    ApiError::new(Kind::Internal).with_source(format!("the handler panicked: {text}"))
}

/// Replaces an error answer that a library has made by one with our body.
fn with_our_body(response: Response) -> Response {
    let status = response.status();
    let foreign = response.extensions().get::<LoggedError>().is_none();
    if foreign && (status.is_client_error() || status.is_server_error()) {
        let error = ApiError::new(kind_of(status))
            .with_source(format!("answered {status} outside the error boundary"));
        return HttpError::from(error).into_response();
    }
    response
}

fn log(failure: &LoggedError) {
    let LoggedError { kind, code, error } = failure;
    let error = Chain(error.as_ref().as_ref());
    match kind {
        Kind::Internal => tracing::error!(%kind, code, %error, "request failed"),
        Kind::Unavailable | Kind::Timeout | Kind::TooManyRequests => {
            tracing::warn!(%kind, code, %error, "request failed");
        }
        _ => tracing::info!(%kind, code, %error, "request failed"),
    }
}
