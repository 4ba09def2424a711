//! The accept loop: HTTP/1 over whatever streams the listener hands out.
//!
//! Own code rather than `axum::serve`, for a bound on connections, a timeout for heads, a drain
//! with a deadline and no `Date` header from an ambient clock.
//!
//! Architecture invariant: an accept error concerns one connection; the server goes on. Absent on
//! purpose: TLS, HTTP/2. A head that hyper cannot parse reaches no router: hyper answers it, and
//! `refusal` gives that our body.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use drydock_core::net::{BoxStream, Listener};
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection_limit::{Place, Places};
use super::parse_error_bodies::Refusals;
use super::write_timeout::WriteTimeout;
use crate::server::settings::HttpSettings;

/// The pause after an accept error, doubled with each in a row up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(5);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// How long a connection without a request waits for one more after `shutdown`: its client may be
/// about to use it, or have done so already. The answer tells it to use another one then.
const LAST_REQUEST: Duration = Duration::from_secs(2);

/// Serves until `shutdown`, then lets open requests finish until the drain deadline.
pub async fn serve(
    mut listener: Box<dyn Listener>,
    router: Router,
    settings: &HttpSettings,
    shutdown: CancellationToken,
) {
    let drain = shutdown.clone();
    let router = router.layer(map_response(move |response: Response| {
        std::future::ready(farewell(response, &drain))
    }));
    let connections = TaskTracker::new();
    let places = Places::new(settings.max_connections);
    let end = Ending { drain: shutdown, abort: CancellationToken::new() };
    let mut backoff = MIN_BACKOFF;
    while let Some(accepted) = end.until_drain(next(&mut *listener, &places)).await {
        match accepted {
            Ok((stream, place)) => {
                backoff = MIN_BACKOFF;
                connections.spawn(connection(stream, place, router.clone(), settings, end.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                end.until_drain(tokio::time::sleep(backoff)).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
            }
        }
    }
    drop(listener);
    connections.close();
    let drained = tokio::time::timeout(settings.drain_timeout, connections.wait()).await;
    if drained.is_err() {
        tracing::warn!(open = connections.len(), "cut connections off at the drain deadline");
        end.abort.cancel();
        connections.wait().await;
    }
}

/// While connections are being closed, the last answer on each says so.
fn farewell(mut response: Response, drain: &CancellationToken) -> Response {
    if drain.is_cancelled() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

#[derive(Clone)]
struct Ending {
    /// Finish what is open, take nothing new.
    drain: CancellationToken,
    /// Finish nothing.
    abort: CancellationToken,
}

impl Ending {
    async fn until_drain<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.drain.run_until_cancelled(work).await
    }
}

type Serving = http1::Connection<TokioIo<WriteTimeout<Refusals<BoxStream>>>, InPlace>;

/// The next connection, and a place for it.
async fn next(
    listener: &mut dyn Listener,
    places: &Places,
) -> std::io::Result<(BoxStream, Arc<Place>)> {
    let (stream, _peer) = listener.accept().await?;
    Ok((stream, places.take().await))
}

/// The router for one connection, whose place knows when there is something to do.
struct InPlace {
    router: TowerToHyperService<Router>,
    place: Arc<Place>,
}

impl Service<http::Request<Incoming>> for InPlace {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        let Some(busy) = self.place.begin() else {
            return Box::pin(std::future::pending());
        };
        let answer = self.router.call(request);
        Box::pin(async move { Ok(answer.await?.map(|body| busy.with(body))) })
    }
}

fn connection(
    stream: BoxStream,
    place: Arc<Place>,
    router: Router,
    settings: &HttpSettings,
    end: Ending,
) -> impl Future<Output = ()> + Send + use<> {
    let stream = WriteTimeout::new(Refusals::new(stream), settings.idle_timeout);
    let router = TowerToHyperService::new(router);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_header_size(settings.max_header_bytes)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), InPlace { router, place: Arc::clone(&place) });
    let mut serving = Box::pin(serving);
    async move {
        let done = tokio::select! {
            done = serving.as_mut() => Some(done),
            () = end.drain.cancelled() => None,
            () = place.cut() => return,
        };
        let done = match done {
            Some(done) => done,
            None => tokio::select! {
                done = last_request(serving) => done,
                () = end.abort.cancelled() => return,
            },
        };
        if let Err(error) = done {
            // Peers vanish, reset and send rubbish all day long: theirs to know, not an operator's.
            tracing::debug!(error = %drydock_core::error::Chain(&error), "connection failed");
        }
    }
}

/// Ends with the answer to a request, if there is one or one comes soon.
async fn last_request(mut serving: Pin<Box<Serving>>) -> hyper::Result<()> {
    match tokio::time::timeout(LAST_REQUEST, serving.as_mut()).await {
        Ok(done) => done,
        Err(_) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    }
}
