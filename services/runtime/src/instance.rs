//! This instance's key: what it says of itself, under a lease.
//!
//! Invariants: the key says nothing that is not so (a late write of an older record names an older
//! generation, which counts as not acknowledged); it vanishes when the instance is not heard of for
//! the lease's time to live. Then the others no longer wait for it, and it cannot commit either:
//! the mode has changed since it last looked.

use std::sync::Arc;
use std::time::Duration;

use drydock_core::coord::{Bounded, Coordination, CoordinationExt, Error, LeaseId, Put};
use drydock_core::env::Env;
use drydock_core::log::format::{InstanceRecord, InstanceState, encode};
use drydock_core::log::keys::Keys;
use drydock_core::retry::Backoff;
use drydock_core::store::{Applied, Phase};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Heartbeats in a lease's time to live.
const HEARTBEATS: u32 = 3;

/// What the maintenance driver says of this instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    state: InstanceState,
    generation: u64,
}

/// The instance as the rest of the runtime sees it. Clones are the same instance.
#[derive(Clone)]
pub(super) struct Instance {
    id: Arc<str>,
    said: watch::Sender<Said>,
    /// Whether the key was written within the lease's time to live.
    heard: watch::Sender<bool>,
}

impl Instance {
    pub(super) fn new(
        env: Env,
        coord: Bounded,
        keys: Keys,
        applied: watch::Receiver<Applied>,
        address: String,
        ttl: Duration,
    ) -> (Instance, Registration) {
        let instance = Instance {
            id: env.new_id().to_string().into(),
            said: watch::Sender::new(Said { state: InstanceState::Loading, generation: 0 }),
            heard: watch::Sender::new(false),
        };
        let key = keys.instance(&instance.id);
        let shared = instance.clone();
        let lease = None;
        let registration = Registration { shared, env, coord, key, applied, address, ttl, lease };
        (instance, registration)
    }

    /// Says it to the others, again and again until they have heard.
    pub(super) fn say(&self, state: InstanceState, generation: u64) {
        let said = Said { state, generation };
        self.said.send_if_modified(|current| std::mem::replace(current, said) != said);
    }

    /// Whether the others hear this instance.
    pub(super) fn is_heard(&self) -> bool {
        *self.heard.borrow()
    }
}

/// Keeps the key.
pub(super) struct Registration {
    shared: Instance,
    env: Env,
    coord: Bounded,
    key: String,
    applied: watch::Receiver<Applied>,
    address: String,
    ttl: Duration,
    lease: Option<LeaseId>,
}

impl Registration {
    /// Until `stop`; then the key goes at once.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.keep()).await;
        if let Some(lease) = self.lease
            && let Err(error) = self.coord.lease_revoke(lease).await
        {
            tracing::debug!(%error, "the lease is left to expire");
        }
    }

    async fn keep(&mut self) {
        let mut said = self.shared.said.subscribe();
        let mut backoff = Backoff::new(&self.env, "instance");
        let mut last_heard = None;
        loop {
            let saying = *said.borrow_and_update();
            let asked_at = self.env.monotonic();
            match self.write(saying).await {
                Ok(()) => {
                    backoff.reset();
                    last_heard = Some(asked_at);
                    self.shared.heard.send_replace(true);
                    self.rest(&mut said).await;
                }
                Err(error) => {
                    tracing::debug!(%error, "the instance's key cannot be written");
                    if matches!(error, Error::LeaseNotExist(_)) {
                        self.lease = None;
                    }
                    let silent = last_heard.is_none_or(|at| asked_at - at > self.ttl);
                    self.shared.heard.send_replace(!silent);
                    backoff.pause().await;
                }
            }
        }
    }

    /// Until there is something new to say, or the next heartbeat is due.
    async fn rest(&self, said: &mut watch::Receiver<Said>) {
        let mut applied = self.applied.clone();
        let loading = applied.borrow().phase == Phase::Loading;
        tokio::select! {
            // The sender lives in `self`.
            _ = said.changed() => {}
            _ = applied.wait_for(|applied| applied.phase == Phase::Ready), if loading => {}
            () = tokio::time::sleep(self.ttl / HEARTBEATS) => {}
        }
    }

    async fn write(&mut self, said: Said) -> Result<(), Error> {
        let lease = match self.lease {
            Some(lease) => {
                self.coord.lease_keep_alive(lease).await?;
                lease
            }
            None => {
                let granted = self.coord.lease_grant(self.ttl).await?.id;
                self.lease = Some(granted);
                granted
            }
        };
        let applied = *self.applied.borrow();
        let state = match (said.state, applied.phase) {
            (InstanceState::Normal, Phase::Loading) => InstanceState::Loading,
            (state, _) => state,
        };
        let record = InstanceRecord {
            id: self.shared.id.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            address: self.address.clone(),
            state,
            generation: said.generation,
            position: applied.position(),
            seen_at: self.env.now(),
        };
        let put = Put::new(self.key.clone(), encode(&record)).lease(lease);
        self.coord.put(put).await.map(drop)
    }
}
