//! Routes as data: one row says everything that decides how a request is treated before its handler
//! sees it. The same table is the router, the coverage list of the tests and the API document.

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
use super::error::HttpError;
use super::{frame, guard};
use crate::http::api::openapi::Document;
use crate::http::api::operation::Operation;

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: health only.
    Open,
    /// Bearers of the internal token.
    Internal,
    /// Bearers of a token that the service itself knows: what it allows is decided there.
    Bearer,
}

/// When the route answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// In every state of the service.
    Always,
    /// In normal mode, once the service is ready; else 503.
    Serving,
}

/// The body that the route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRule {
    None,
    /// Up to the body limit.
    Small,
    /// Of any length, as long as it does not stand still.
    Stream,
}

/// What ends the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// The request timeout, or `Drydock-Timeout-Ms` if that is shorter.
    Bounded,
    /// Only `Drydock-Timeout-Ms`, if given.
    Unbounded,
}

/// What a row says about its route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    pub availability: Availability,
    pub body: BodyRule,
    pub deadline: Deadline,
}

/// A row of the table.
pub struct Route<S> {
    pub spec: Spec,
    pub operation: Operation,
    handler: MethodRouter<App<S>>,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    fn new<H, T>(method: Method, path: &'static str, body: BodyRule, handler: H) -> Route<S>
    where
        H: Handler<T, App<S>>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("only the four methods below");
        Route {
            spec: Spec {
                method,
                path,
                access: Access::Internal,
                availability: Availability::Serving,
                body,
                deadline: Deadline::Bounded,
            },
            operation: Operation::default(),
            handler: on(filter, handler),
        }
    }

    /// GET, and so HEAD.
    pub fn get<T: 'static>(path: &'static str, handler: impl Handler<T, App<S>>) -> Route<S> {
        Route::new(Method::GET, path, BodyRule::None, handler)
    }

    pub fn post<T: 'static>(path: &'static str, handler: impl Handler<T, App<S>>) -> Route<S> {
        Route::new(Method::POST, path, BodyRule::Small, handler)
    }

    pub fn put<T: 'static>(path: &'static str, handler: impl Handler<T, App<S>>) -> Route<S> {
        Route::new(Method::PUT, path, BodyRule::Small, handler)
    }

    pub fn delete<T: 'static>(path: &'static str, handler: impl Handler<T, App<S>>) -> Route<S> {
        Route::new(Method::DELETE, path, BodyRule::None, handler)
    }

    /// Answers in maintenance and while loading too.
    pub fn always(mut self) -> Route<S> {
        self.spec.availability = Availability::Always;
        self
    }

    /// Needs no token.
    pub fn open(mut self) -> Route<S> {
        self.spec.access = Access::Open;
        self
    }

    /// Is for bearers of tokens that the service itself knows.
    pub fn bearer(mut self) -> Route<S> {
        self.spec.access = Access::Bearer;
        self
    }

    /// Takes a body of any length.
    pub fn streamed(mut self) -> Route<S> {
        self.spec.body = BodyRule::Stream;
        self
    }

    /// Takes no body.
    pub fn bodiless(mut self) -> Route<S> {
        self.spec.body = BodyRule::None;
        self
    }

    /// May take as long as it needs.
    pub fn unbounded(mut self) -> Route<S> {
        self.spec.deadline = Deadline::Unbounded;
        self
    }
}

/// The router of one instance.
///
/// # Panics
/// If two rows have the same method and path.
pub fn router<S: Clone + Send + Sync + 'static>(table: Vec<Route<S>>, app: App<S>) -> Router {
    let shell = app.shell.clone();
    let document = Document::new(shell.service, &table);
    let mut paths: BTreeMap<&'static str, (Vec<Method>, MethodRouter<App<S>>)> = BTreeMap::new();
    for Route { spec, handler, .. } in table {
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
