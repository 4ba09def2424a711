//! Answers that go on for as long as their readers like: they end when the right to read is
//! withdrawn.

use std::time::Duration;

use axum::body::Bytes;
use drydock_api::configstore::refusals::ProjectNotExist;
use drydock_core::error::{BoxError, Kind};
use drydock_http::api::page::Consistency;
use drydock_http::client::AnswerStream;
use drydock_http::server::gate::Gate;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::Instant;

use super::inquiry::Look;
use super::require::{Project, Reads};
use crate::errors;

/// Between two looks at whether the caller still has the right.
const PERIOD: Duration = Duration::from_secs(10);
/// An answer ends if nobody could say for this long whether the caller still has the right.
const PATIENCE: Duration = Duration::from_secs(30);
/// The timeout of one look.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why an answer ended early.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    #[error("the right to read this was withdrawn")]
    Withdrawn,
    #[error("it is not known whether the right to read this still holds")]
    Unknown,
    #[error("the gateway is stopping")]
    Stopping,
}

/// What an answer waits for.
enum Next {
    Bytes(Option<Result<Bytes, BoxError>>),
    Look,
    Stopping,
}

struct Following {
    look: Look<Reads<Project>>,
    gate: Gate,
    body: AnswerStream,
    /// When the right was known last.
    known_at: Instant,
    look_at: Instant,
    over: bool,
}

impl Look<Reads<Project>> {
    /// The body of a service's answer, which ends with an error when the right is withdrawn, or
    /// when the gateway stops.
    pub fn follow(
        self,
        gate: Gate,
        body: AnswerStream,
    ) -> impl Stream<Item = Result<Bytes, BoxError>> {
        let now = Instant::now();
        let following =
            Following { look: self, gate, body, known_at: now, look_at: now + PERIOD, over: false };
        stream::unfold(following, |mut following| async move {
            let next = following.next().await?;
            following.over = next.is_err();
            Some((next, following))
        })
    }
}

impl Following {
    async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        if self.over {
            return None;
        }
        loop {
            let next = tokio::select! {
                biased;
                () = self.gate.closed() => Next::Stopping,
                () = tokio::time::sleep_until(self.look_at) => Next::Look,
                bytes = self.body.next() => {
                    Next::Bytes(bytes.map(|bytes| bytes.map_err(BoxError::from)))
                }
            };
            let ended = match next {
                Next::Bytes(bytes) => return bytes,
                Next::Stopping => Err(Ended::Stopping),
                Next::Look => self.look_again().await,
            };
            if let Err(ended) = ended {
                return Some(Err(ended.into()));
            }
        }
    }

    async fn look_again(&mut self) -> Result<(), Ended> {
        let Look { ctx, given, configstore, .. } = &self.look;
        let ctx = ctx.timeout(TIMEOUT);
        let seen = configstore.project(&ctx, given, Consistency::Linearizable).await;
        let now = Instant::now();
        self.look_at = now + PERIOD;
        let Err(error) = seen else {
            self.known_at = now;
            return Ok(());
        };
        let absent = ProjectNotExist(given.clone()).into();
        match errors::of(error, [absent]).kind() {
            Kind::Unauthorized | Kind::Forbidden | Kind::NotExist => Err(Ended::Withdrawn),
            _ if now - self.known_at >= PATIENCE => Err(Ended::Unknown),
            _ => Ok(()),
        }
    }
}
