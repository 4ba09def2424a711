//! Connections of a client, and the pool of idle ones that wait for its next request.
//!
//! Invariants: a connection has one request at a time, and is kept only after the answer was read
//! to the end. The server also closes idle connections; the client closes them sooner, so that a
//! request rarely meets a connection that is being closed, which would leave its outcome unknown.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_core::net::Net;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// How long an idle connection is kept. Our server, when it shuts down, waits longer than this for
/// a request that is on its way.
const MAX_IDLE_TIME: Duration = Duration::from_secs(1);
const MAX_IDLE_CONNECTIONS: usize = 128;
/// A connection is not kept after a longer request: the server may answer before it has read the
/// request to its end, and closes the connection then.
const MAX_REUSE_REQUEST_BYTES: u64 = 64 * 1024;

/// One connection; closed when dropped.
pub(crate) struct Connection {
    sender: http1::SendRequest<Body>,
    reusable: bool,
    _driver: AbortOnDropHandle<()>,
}

/// The outcome of sending a request.
pub(crate) enum Sent {
    Answered(Response<Incoming>, Connection),
    /// Not a byte of the request was sent.
    Unsent(Box<Request<Body>>, BoxError),
}

impl Connection {
    pub(crate) async fn open(net: &dyn Net, authority: &str) -> Result<Connection, BoxError> {
        let stream = net.dial(authority).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driven = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "client connection failed");
            }
        });
        Ok(Connection { sender, reusable: true, _driver: AbortOnDropHandle::new(driven) })
    }

    /// Sends, and waits for the head of the answer. After an error the request's outcome is
    /// unknown.
    pub(crate) async fn send(
        mut self,
        ctx: &Context,
        request: Request<Body>,
    ) -> Result<Sent, BoxError> {
        let bytes = request.body().size_hint().exact();
        self.reusable = bytes.is_some_and(|bytes| bytes <= MAX_REUSE_REQUEST_BYTES);
        match ctx.run(self.sender.try_send_request(request)).await? {
            Ok(response) => Ok(Sent::Answered(response, self)),
            Err(mut failed) => match failed.take_message() {
                Some(request) => Ok(Sent::Unsent(Box::new(request), failed.into_error().into())),
                None => Err(explained(failed.into_error())),
            },
        }
    }
}

/// The server answered something else than HTTP.
#[derive(Debug, thiserror::Error)]
#[error("the server does not speak HTTP: if it speaks TLS, its address begins with `https://`")]
struct NoHttp(#[source] hyper::Error);

fn explained(error: hyper::Error) -> BoxError {
    match error.is_parse() {
        true => NoHttp(error).into(),
        false => error.into(),
    }
}

/// The idle connections to one server, the newest last.
#[derive(Default)]
pub(crate) struct IdlePool {
    kept: Mutex<Vec<(Instant, Connection)>>,
}

impl IdlePool {
    /// Takes a connection that was open a moment ago.
    pub(crate) async fn take(&self, ctx: &Context) -> Option<Connection> {
        loop {
            let mut connection = self.newest()?;
            // Ready at once, unless the connection is being closed.
            if let Ok(Ok(())) = ctx.run(connection.sender.ready()).await {
                return Some(connection);
            }
        }
    }

    fn newest(&self) -> Option<Connection> {
        let mut kept = self.lock();
        kept.retain(|(since, connection)| {
            since.elapsed() < MAX_IDLE_TIME && !connection.sender.is_closed()
        });
        kept.pop().map(|(_, connection)| connection)
    }

    /// Keeps a connection whose answer was read to the end.
    pub(crate) fn keep(&self, connection: Connection) {
        let mut kept = self.lock();
        if connection.reusable && kept.len() < MAX_IDLE_CONNECTIONS {
            kept.push((Instant::now(), connection));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, Connection)>> {
        self.kept.lock().expect("no holder of this lock panics")
    }
}
