//! Heartbeats: a task of its own, with connections of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use drydock_api::runservice::client::ExecutorClient;
use drydock_api::runservice::types::{AttemptId, Heartbeat, HeartbeatAnswer, HeldAttempt};
use drydock_core::context::Context;
use drydock_core::env::{Env, Rng};
use drydock_core::error::{Chain, Code};
use drydock_http::client::ClientError;
use rand::RngExt;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::settings::ProtocolSettings;
use crate::journal::Held;

/// What heartbeats have brought so far.
#[derive(Debug, Clone, Default)]
pub struct HeartbeatResults {
    /// The number of heartbeats that were answered.
    pub count: u64,
    /// The last answer.
    pub answer: Option<HeartbeatAnswer>,
    /// When the last heartbeat was sent after whose answer no attempt can have been given up.
    pub heard_at: Option<Instant>,
    /// The service knows a later session.
    pub replaced: Option<String>,
}

/// What heartbeats say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatContent {
    /// What the journal says.
    pub held: Held,
    /// The attempts whose results are wanted, and not kept.
    pub forgotten: BTreeSet<AttemptId>,
}

pub struct Heartbeats {
    pub client: ExecutorClient,
    pub settings: ProtocolSettings,
    pub content: watch::Receiver<HeartbeatContent>,
    pub results: watch::Sender<HeartbeatResults>,
    /// Asks for a heartbeat at once.
    pub hurry: Arc<Notify>,
    rng: Rng,
}

impl Heartbeats {
    pub fn new(
        env: &Env,
        client: ExecutorClient,
        settings: ProtocolSettings,
        content: watch::Receiver<HeartbeatContent>,
        (results, hurry): (watch::Sender<HeartbeatResults>, Arc<Notify>),
    ) -> Heartbeats {
        Heartbeats {
            client,
            settings,
            content,
            results,
            hurry,
            rng: env.rng("executor.heartbeats"),
        }
    }

    /// Runs until it is dropped, or the session is over.
    pub async fn run(mut self) {
        loop {
            let sent = Instant::now();
            let beat = self.heartbeat();
            let ctx = Context::background().timeout(self.settings.call_timeout);
            match self.client.heartbeat(&ctx, &beat).await {
                Ok(answer) => self.results.send_modify(|results| {
                    results.count += 1;
                    results.heard_at = Some(sent);
                    results.answer = Some(answer);
                }),
                Err(error) if has_code(&error, Code::SessionReplaced) => {
                    let text = error.to_string();
                    self.results.send_modify(|results| results.replaced = Some(text));
                    return;
                }
                // Nothing can be given up while the service is in maintenance.
                Err(error) if has_code(&error, Code::Maintenance) => {
                    self.results.send_modify(|results| results.heard_at = Some(sent));
                }
                Err(error) => tracing::warn!(error = %Chain(&error), "no heartbeat was answered"),
            }
            let pause = self.settings.heartbeat_every.mul_f64(self.rng.random_range(0.9..=1.0));
            tokio::select! {
                () = self.hurry.notified() => {}
                () = tokio::time::sleep_until(sent + pause) => {}
            }
        }
    }

    fn heartbeat(&mut self) -> Heartbeat {
        let HeartbeatContent { held, forgotten } = &*self.content.borrow_and_update();
        let attempts = held.attempts.iter();
        let one = |(&attempt, held): (_, &crate::journal::UnreleasedAttempt)| HeldAttempt {
            attempt,
            state: held.state,
        };
        Heartbeat {
            session: held.session,
            labels: self.settings.labels.clone(),
            arch: self.settings.arch.clone(),
            limit: self.settings.limit,
            held: attempts.map(one).collect(),
            asked: held.asked.clone(),
            forgotten: forgotten.clone(),
        }
    }
}

/// Whether the service answered with this code.
pub fn has_code(error: &ClientError, code: Code) -> bool {
    error.remote().is_some_and(|remote| remote.code == code.as_str())
}
