//! Connections of a client that wait for its next request.
//!
//! Invariants: one request at a time on each; one is kept only after its answer was read to the
//! end. The server closes idle ones too: it is given up sooner here, so that a request rarely meets
//! a connection that is being closed, whose outcome would be unknown.

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

/// How long an unused one is kept. A server of ours that is told to end waits longer than that for
/// what is already on its way.
const IDLE: Duration = Duration::from_secs(1);
const KEPT_AT_MOST: usize = 128;
/// A longer request may not have been read to its end when its answer is there.
const SMALL_REQUEST_BYTES: u64 = 64 * 1024;

/// One connection; closed when dropped.
pub(crate) struct Connection {
    sender: http1::SendRequest<Body>,
    reusable: bool,
    _driver: AbortOnDropHandle<()>,
}

/// What became of a request.
pub(crate) enum Sent {
    Answered(Response<Incoming>, Connection),
    /// Not a byte of it left.
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

    /// Sends, and waits for the head of the answer. An error: the outcome is unknown.
    pub(crate) async fn send(
        mut self,
        ctx: &Context,
        request: Request<Body>,
    ) -> Result<Sent, BoxError> {
        let bytes = request.body().size_hint().exact();
        self.reusable = bytes.is_some_and(|bytes| bytes <= SMALL_REQUEST_BYTES);
        match ctx.run(self.sender.try_send_request(request)).await? {
            Ok(response) => Ok(Sent::Answered(response, self)),
            Err(mut failed) => match failed.take_message() {
                Some(request) => Ok(Sent::Unsent(Box::new(request), failed.into_error().into())),
                None => Err(failed.into_error().into()),
            },
        }
    }
}

/// Those that nobody uses, the newest last.
#[derive(Default)]
pub(crate) struct Idle {
    kept: Mutex<Vec<(Instant, Connection)>>,
}

impl Idle {
    /// One that was open a moment ago.
    pub(crate) async fn take(&self, ctx: &Context) -> Option<Connection> {
        loop {
            let mut connection = self.newest()?;
            // At once, unless it is being closed.
            if let Ok(Ok(())) = ctx.run(connection.sender.ready()).await {
                return Some(connection);
            }
        }
    }

    fn newest(&self) -> Option<Connection> {
        let mut kept = self.lock();
        kept.retain(|(since, connection)| since.elapsed() < IDLE && !connection.sender.is_closed());
        kept.pop().map(|(_, connection)| connection)
    }

    /// The answer on it was read to the end.
    pub(crate) fn keep(&self, connection: Connection) {
        let mut kept = self.lock();
        if connection.reusable && kept.len() < KEPT_AT_MOST {
            kept.push((Instant::now(), connection));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, Connection)>> {
        self.kept.lock().expect("no holder of this lock panics")
    }
}
