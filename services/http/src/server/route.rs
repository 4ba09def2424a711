//! Routes: endpoints with their handlers. The same table is the router, the coverage list of the
//! tests and the API document.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};
use drydock_core::error::{ApiError, Code, Kind};
use http::{HeaderValue, Method, header};

use super::context::{App, Shell};
use super::document::Document;
use super::error::HttpError;
use super::{frame, guard};
use crate::api::endpoint::Endpoint;

/// An operation with what does it.
pub struct Route<S> {
    pub endpoint: Endpoint,
    handler: MethodRouter<App<S>>,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    pub fn new<T: 'static>(endpoint: Endpoint, handler: impl Handler<T, App<S>>) -> Route<S> {
        let method = endpoint.spec.method.clone();
        let filter = MethodFilter::try_from(method).expect("endpoints have only four methods");
        Route { endpoint, handler: on(filter, handler) }
    }
}

/// What the rows of a table are.
pub fn endpoints<S>(table: &[Route<S>]) -> Vec<Endpoint> {
    table.iter().map(|route| route.endpoint.clone()).collect()
}

/// The router of one instance.
///
/// # Panics
/// If two rows have the same method and path.
pub fn router<S: Clone + Send + Sync + 'static>(table: Vec<Route<S>>, app: App<S>) -> Router {
    let shell = app.shell.clone();
    let document = Document::new(&shell, &endpoints(&table));
    let mut paths: BTreeMap<&'static str, (Vec<Method>, MethodRouter<App<S>>)> = BTreeMap::new();
    for Route { endpoint: Endpoint { spec, .. }, handler } in table {
        let (methods, merged) = paths.entry(spec.path).or_default();
        methods.push(spec.method.clone());
        let guarded = (Arc::new(spec), shell.clone());
        let handler = handler.layer(from_fn_with_state(guarded, guard::guard));
        *merged = std::mem::take(merged).merge(handler);
    }
    let mut router = Router::new();
    for (path, (methods, handlers)) in paths {
        let allow = allow(&methods);
        let handlers = handlers.fallback(move || std::future::ready(wrong_method(&allow)));
        router = router.route(path, handlers);
    }
    router
        .fallback(|| std::future::ready(unknown_route()))
        .layer(Extension(document))
        .layer(from_fn_with_state::<_, Arc<Shell>, _>(shell, frame::frame))
        .with_state(app)
}

fn allow(methods: &[Method]) -> String {
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if methods.contains(&Method::GET) {
        names.push("HEAD");
    }
    names.sort_unstable();
    names.join(", ")
}

fn wrong_method(allow: &str) -> Response {
    let message = format!("this path allows {allow}");
    let error = ApiError::new(Kind::MethodNotAllowed).with_message(message);
    let mut response = HttpError::from(error).into_response();
    let allow = HeaderValue::from_str(allow).expect("method names are ASCII");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

fn unknown_route() -> Response {
    let error = ApiError::new(Kind::NotExist)
        .with_code(Code::RouteNotExist)
        .with_message("there is no such route");
    HttpError::from(error).into_response()
}
