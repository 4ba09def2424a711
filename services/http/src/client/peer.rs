//! Another instance of the same service, to which requests are sent on as they are.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_core::net::SharedNet;
use http::{Request, Response};
use hyper::body::Incoming;

use super::ClientError;
use super::call::{not_sent, read_all, unknown};
use super::connections::{Connection, IdlePool, Sent};

/// An instance that does not accept a connection in this time is not waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// One instance, and the idle connections to it.
pub(crate) struct Peer {
    net: SharedNet,
    authority: String,
    idle: IdlePool,
}

impl Peer {
    pub(crate) fn new(net: SharedNet, authority: String) -> Peer {
        Peer { net, authority, idle: IdlePool::default() }
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The error of a request of which nothing was sent.
    pub(crate) fn not_sent(&self, why: impl Into<BoxError>) -> ClientError {
        not_sent(&self.authority, why.into())
    }

    /// Sends once, and reads the whole answer, whatever its status. [`ClientError::NotSent`]: not
    /// a byte of the request was sent.
    pub(crate) async fn send(
        &self,
        ctx: &Context,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ClientError> {
        let failed = |error| unknown(&self.authority, error);
        let mut request = request.map(Body::from);
        let connecting = ctx.timeout(CONNECT_TIMEOUT);
        while let Some(kept) = self.idle.take(&connecting).await {
            match kept.send(ctx, request).await.map_err(failed)? {
                Sent::Answered(response, connection) => {
                    return self.read(ctx, response, connection).await;
                }
                Sent::Unsent(unsent, _) => request = *unsent,
            }
        }
        let opened = connecting.run(Connection::open(&*self.net, &self.authority)).await;
        let opened = opened.map_err(BoxError::from).flatten();
        let opened = opened.map_err(|error| self.not_sent(error))?;
        match opened.send(ctx, request).await.map_err(failed)? {
            Sent::Answered(response, connection) => self.read(ctx, response, connection).await,
            Sent::Unsent(_, error) => Err(self.not_sent(error)),
        }
    }

    async fn read(
        &self,
        ctx: &Context,
        response: Response<Incoming>,
        connection: Connection,
    ) -> Result<Response<Bytes>, ClientError> {
        let (parts, body) = response.into_parts();
        let body = read_all(ctx, &self.authority, MAX_ANSWER_BYTES, body).await?;
        self.idle.keep(connection);
        Ok(Response::from_parts(parts, body))
    }
}
