//! The accept loop: HTTP/1 over whatever streams the listener hands out.
//!
//! This loop takes the place of `axum::serve` because it limits connections, times heads out,
//! drains with a deadline and adds no `Date` header from an ambient clock.
//!
//! Architecture invariant: an accept error concerns one connection; the server goes on. Absent on
//! purpose: TLS, HTTP/2. A head that hyper cannot parse reaches no router: hyper answers it, and
//! `parse_error_bodies` gives the answer our body.

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
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection_limit::{ConnectionLimit, ConnectionPermit};
use super::parse_error_bodies::ParseErrorBodies;
use crate::server::audit::Peer;
use crate::server::settings::HttpSettings;

/// The pause after an accept error, doubled with each in a row up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(5);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// How long a connection without a request waits for one more after `shutdown`: its client may be
/// about to send one, or have sent it already. The answer then tells the client to use another
/// connection.
const LAST_REQUEST_WAIT: Duration = Duration::from_secs(2);

/// How long connections are still accepted after `shutdown`. The answers tell clients, and
/// instances that forward changes to this one, to go elsewhere: few connect while the listener
/// closes.
const LAST_CONNECTION_WAIT: Duration = Duration::from_millis(50);

/// Serves until `shutdown`, then lets open requests finish until the drain deadline.
pub async fn serve(
    mut listener: Box<dyn Listener>,
    router: Router,
    settings: &HttpSettings,
    shutdown: CancellationToken,
) {
    let drain = shutdown.clone();
    let router = router.layer(map_response(move |response: Response| {
        std::future::ready(close_while_draining(response, &drain))
    }));
    let connections = TaskTracker::new();
    let end = ShutdownTokens { drain: shutdown, abort: CancellationToken::new() };
    let served = async {
        let limit = ConnectionLimit::new(settings.max_connections);
        let begin = |stream, place| {
            let connection = connection(stream, place, router.clone(), settings, end.clone());
            connections.spawn(connection);
        };
        accept_all(&mut *listener, &limit, &end, begin).await;
        // Whoever is connected may have sent a request, and could not know what became of it.
        for (stream, peer) in listener.close().await {
            begin(stream, (limit.acquire().await, Peer(peer.into())));
        }
        connections.close();
        connections.wait().await;
    };
    tokio::select! {
        () = served => return,
        () = end.after_drain_begins(settings.drain_timeout) => {}
    }
    tracing::warn!(open = connections.len(), "cut connections off at the drain deadline");
    end.abort.cancel();
    connections.close();
    connections.wait().await;
}

/// Accepts connections and serves each, until [`LAST_CONNECTION_WAIT`] after the drain has begun.
async fn accept_all(
    listener: &mut dyn Listener,
    limit: &ConnectionLimit,
    end: &ShutdownTokens,
    begin: impl Fn(BoxStream, (Arc<ConnectionPermit>, Peer)),
) {
    let mut backoff = MIN_BACKOFF;
    let over = end.after_drain_begins(LAST_CONNECTION_WAIT);
    tokio::pin!(over);
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = &mut over => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                backoff = MIN_BACKOFF;
                begin(stream, (limit.acquire().await, Peer(peer.into())));
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                end.until_drain(tokio::time::sleep(backoff)).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
            }
        }
    }
}

/// Adds `Connection: close` to answers while the server drains.
fn close_while_draining(mut response: Response, drain: &CancellationToken) -> Response {
    if drain.is_cancelled() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The two steps of a shutdown.
#[derive(Clone)]
struct ShutdownTokens {
    /// Open requests finish, and soon no new connection is accepted.
    drain: CancellationToken,
    /// Open connections are closed, whatever they do.
    abort: CancellationToken,
}

impl ShutdownTokens {
    async fn until_drain<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.drain.run_until_cancelled(work).await
    }

    async fn after_drain_begins(&self, time: Duration) {
        self.drain.cancelled().await;
        tokio::time::sleep(time).await;
    }
}

type Io = TokioIo<Pin<Box<TimeoutStream<ParseErrorBodies<BoxStream>>>>>;
type Serving = http1::Connection<Io, ConnectionService>;

/// The router for one connection, which tells the connection's permit of each request.
struct ConnectionService {
    router: TowerToHyperService<Router>,
    permit: Arc<ConnectionPermit>,
    peer: Peer,
}

impl Service<http::Request<Incoming>> for ConnectionService {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn call(&self, mut request: http::Request<Incoming>) -> Self::Future {
        let Some(active) = self.permit.begin_request() else {
            return Box::pin(std::future::pending());
        };
        request.extensions_mut().insert(self.peer.clone());
        let answer = self.router.call(request);
        Box::pin(async move { Ok(answer.await?.map(|body| active.until_sent(body))) })
    }
}

fn connection(
    stream: BoxStream,
    (permit, peer): (Arc<ConnectionPermit>, Peer),
    router: Router,
    settings: &HttpSettings,
    end: ShutdownTokens,
) -> impl Future<Output = ()> + Send + use<> {
    // Without a write timeout a client that stops reading an export would hold its connection and
    // its read snapshot for ever. There is no read timeout: a request in work is silent on that
    // side.
    let mut stream = TimeoutStream::new(ParseErrorBodies::new(stream));
    stream.set_write_timeout(Some(settings.idle_timeout));
    let router = TowerToHyperService::new(router);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_header_size(settings.max_header_bytes)
        .auto_date_header(false)
        // A client that has sent all it has to say still gets its answer.
        .half_close(true)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            ConnectionService { router, permit: Arc::clone(&permit), peer },
        );
    let mut serving = Box::pin(serving);
    let patience = settings.header_timeout;
    async move {
        let done = tokio::select! {
            done = serving.as_mut() => Some(done),
            () = end.drain.cancelled() => None,
            () = permit.evicted() => {
                if permit.has_answered() {
                    send_the_rest(serving, patience).await;
                }
                return;
            }
        };
        let done = match done {
            Some(done) => done,
            None => tokio::select! {
                done = last_request(serving) => done,
                () = end.abort.cancelled() => return,
            },
        };
        if let Err(error) = done {
            // Peers vanish, reset and send garbage all day long: no operator must act on this.
            tracing::debug!(error = %drydock_core::error::Chain(&error), "connection failed");
        }
    }
}

/// Sends what is left of the last answer, which counts as sent as soon as it is in hyper's buffer.
async fn send_the_rest(mut serving: Pin<Box<Serving>>, patience: Duration) {
    serving.as_mut().graceful_shutdown();
    // The client has its answer, or takes too long to read it.
    let _ = tokio::time::timeout(patience, serving).await;
}

/// Serves one more request, if one is in work or comes soon, and closes the connection.
async fn last_request(mut serving: Pin<Box<Serving>>) -> hyper::Result<()> {
    match tokio::time::timeout(LAST_REQUEST_WAIT, serving.as_mut()).await {
        Ok(done) => done,
        Err(_) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const BODY: usize = 100_000;

    /// The body is in hyper's buffer, and the request not in work any more, long before the client
    /// has read it.
    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_being_sent_is_not_cut_for_a_new_connection() {
        let limit = ConnectionLimit::new(1);
        let permit = limit.acquire().await;
        let router = Router::new().route("/", get(async || "x".repeat(BODY)));
        let (mut client, server) = tokio::io::duplex(1024);
        let end =
            ShutdownTokens { drain: CancellationToken::new(), abort: CancellationToken::new() };
        let settings = HttpSettings::default();
        let peer = (permit, Peer("test".into()));
        tokio::spawn(connection(Box::new(server), peer, router, &settings, end));
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        client.read_exact(&mut [0; 500]).await.unwrap();
        let next = tokio::spawn(async move { limit.acquire().await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.unwrap();
        assert!(rest.len() > BODY - 500 && rest.ends_with('x'), "{} bytes", rest.len());
        next.await.unwrap();
    }
}
