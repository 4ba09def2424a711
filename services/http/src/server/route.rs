//! Routes: endpoints with their handlers. The router, the coverage list of the tests and the API
//! document are made of the same table.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};
use drydock_core::error::{ApiError, Code, Failure, Kind};
use http::{HeaderValue, Method, header};

use super::context::{App, AppContext};
use super::error::{HttpError, OperationError};
use super::health::Document;
use super::{frame, guard};
use crate::api::endpoint::Endpoint;

/// An operation with its handler.
pub struct Route<S> {
    pub endpoint: Endpoint,
    handler: MethodRouter<App<S>>,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    /// A route whose handler can refuse what its operation declares, and nothing else.
    pub fn typed<F: Failure, T: 'static>(
        endpoint: Endpoint<F>,
        handler: impl Refusing<F, T, App<S>>,
    ) -> Route<S> {
        Route::new(endpoint.described(), handler)
    }

    /// A route whose codes are in the description of its endpoint.
    pub fn new<T: 'static>(endpoint: Endpoint, handler: impl Handler<T, App<S>>) -> Route<S> {
        let method = endpoint.spec.method.clone();
        let filter = MethodFilter::try_from(method).expect("endpoints have only four methods");
        let filter = match endpoint.operation.merges {
            true => filter.or(MethodFilter::PATCH),
            false => filter,
        };
        Route { endpoint, handler: on(filter, handler) }
    }
}

/// A handler whose error is that of an operation which can refuse what `F` says.
pub trait Refusing<F, T, S>: Handler<T, S> {}

/// For handlers with these arguments.
macro_rules! refusing {
    ($($argument:ident)*) => {
        impl<H, O, R, F, M, S, $($argument),*> Refusing<F, (M, $($argument,)*), S> for H
        where
            H: Handler<(M, $($argument,)*), S> + FnOnce($($argument),*) -> O,
            O: Future<Output = Result<R, OperationError<F>>>,
        {
        }
    };
}

refusing!(A);
refusing!(A B);
refusing!(A B C);
refusing!(A B C D);
refusing!(A B C D E);
refusing!(A B C D E G);
refusing!(A B C D E G I);

/// The endpoints of a table.
pub fn endpoints<S>(table: &[Route<S>]) -> Vec<Endpoint> {
    table.iter().map(|route| route.endpoint.clone()).collect()
}

/// The router of one instance.
///
/// # Panics
/// If two rows have the same method and path.
pub fn router<S: Clone + Send + Sync + 'static>(table: Vec<Route<S>>, app: App<S>) -> Router {
    let context = app.context.clone();
    let document = Document::new(&context, &endpoints(&table));
    let mut paths: BTreeMap<&'static str, (Vec<Method>, MethodRouter<App<S>>)> = BTreeMap::new();
    for Route { endpoint: Endpoint { spec, operation, .. }, handler } in table {
        let (methods, merged) = paths.entry(spec.path).or_default();
        methods.push(spec.method.clone());
        if operation.merges {
            methods.push(Method::PATCH);
        }
        let guarded = (Arc::new(spec), context.clone());
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
        .layer(from_fn_with_state::<_, Arc<AppContext>, _>(context, frame::frame))
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
