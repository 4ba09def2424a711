//! This instance's key in the coordination store: the state that it reports, under a lease.
//!
//! Invariants: the key claims no state that the instance is not in (a late write of an older record
//! names an older generation, which counts as not acknowledged); the key vanishes when the instance
//! has not renewed its lease for the time to live. Then the other instances no longer wait for this
//! one, and it cannot commit either: the mode has changed since it last read it.

use std::sync::Arc;
use std::time::Duration;

use drydock_core::coord::{Bounded, Coordination, CoordinationExt, Error, LeaseId, Op, Put, Txn};
use drydock_core::env::Env;
use drydock_core::log::format::{InstanceRecord, InstanceState, encode};
use drydock_core::log::keys::Keys;
use drydock_core::retry::Backoff;
use drydock_core::store::{Applied, Phase, Store};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Heartbeats in a lease's time to live.
const HEARTBEATS: u32 = 3;

/// The state of this instance, as the maintenance driver reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ReportedState {
    state: InstanceState,
    generation: u64,
}

/// The instance as the rest of the runtime sees it. Clones are the same instance.
#[derive(Clone)]
pub(super) struct Instance {
    id: Arc<str>,
    reported: watch::Sender<ReportedState>,
    /// Whether the key was written within the lease's time to live.
    connected: watch::Sender<bool>,
}

impl Instance {
    pub(super) fn new(
        env: &Env,
        coord: &Bounded,
        keys: &Keys,
        store: &Store,
        address: String,
        ttl: Duration,
    ) -> (Instance, Registration) {
        let instance = Instance {
            id: env.new_id().to_string().into(),
            reported: watch::Sender::new(ReportedState {
                state: InstanceState::Loading,
                generation: 0,
            }),
            connected: watch::Sender::new(false),
        };
        let registration = Registration {
            shared: instance.clone(),
            env: env.clone(),
            coord: coord.clone(),
            key: keys.instance(&instance.id),
            joined_key: keys.joined(),
            applied: store.applied(),
            address,
            ttl,
            schema: store.schema().version,
            lease: None,
            joined: None,
        };
        (instance, registration)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Reports a state to the other instances; failed writes are repeated.
    pub(super) fn report(&self, state: InstanceState, generation: u64) {
        let next = ReportedState { state, generation };
        self.reported.send_if_modified(|current| std::mem::replace(current, next) != next);
    }

    /// Whether the coordination store has taken the key within the lease's time to live.
    pub(super) fn is_connected(&self) -> bool {
        *self.connected.borrow()
    }
}

/// Writes the key, and keeps its lease alive.
pub(super) struct Registration {
    shared: Instance,
    env: Env,
    coord: Bounded,
    key: String,
    applied: watch::Receiver<Applied>,
    address: String,
    ttl: Duration,
    lease: Option<LeaseId>,
    /// The newest version of the schema that this instance reads.
    schema: u32,
    /// Written together with `key` when that is new.
    joined_key: String,
    /// The lease with which that was done.
    joined: Option<LeaseId>,
}

impl Registration {
    /// Runs until `stop`, then revokes the lease: the key vanishes at once.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.keep()).await;
        if let Some(lease) = self.lease
            && let Err(error) = self.coord.lease_revoke(lease).await
        {
            tracing::debug!(%error, "could not revoke the instance's lease, which will expire");
        }
    }

    async fn keep(&mut self) {
        let mut reported = self.shared.reported.subscribe();
        let mut backoff = Backoff::new(&self.env, "instance");
        let mut last_written = None;
        loop {
            let current = *reported.borrow_and_update();
            let begun_at = self.env.monotonic();
            match self.write(current).await {
                Ok(()) => {
                    backoff.reset();
                    last_written = Some(begun_at);
                    self.shared.connected.send_replace(true);
                    self.wait_for_change(&mut reported).await;
                }
                Err(error) => {
                    tracing::debug!(%error, "could not write the instance's key");
                    if matches!(error, Error::LeaseNotExist(_)) {
                        self.lease = None;
                    }
                    let expired = last_written.is_none_or(|at| begun_at - at > self.ttl);
                    self.shared.connected.send_replace(!expired);
                    backoff.pause().await;
                }
            }
        }
    }

    /// Waits until the state has changed, or the next heartbeat is due.
    async fn wait_for_change(&self, reported: &mut watch::Receiver<ReportedState>) {
        let mut applied = self.applied.clone();
        let loading = applied.borrow().phase == Phase::Loading;
        tokio::select! {
            // The sender lives in `self`.
            _ = reported.changed() => {}
            _ = applied.wait_for(|applied| applied.phase == Phase::Ready), if loading => {}
            () = tokio::time::sleep(self.ttl / HEARTBEATS) => {}
        }
    }

    async fn write(&mut self, reported: ReportedState) -> Result<(), Error> {
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
        let state = match (reported.state, applied.phase) {
            (InstanceState::Normal, Phase::Loading) => InstanceState::Loading,
            (state, _) => state,
        };
        let record = InstanceRecord {
            id: self.shared.id.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            schema: self.schema,
            address: self.address.clone(),
            state,
            generation: reported.generation,
            position: applied.position(),
            seen_at: self.env.now(),
        };
        let put = Put::new(self.key.clone(), encode(&record)).lease(lease);
        if self.joined == Some(lease) {
            return self.coord.put(put).await.map(drop);
        }
        // Whoever looks at the live instances for longer than a moment finds out.
        let join = Txn::default()
            .then(Op::Put(put))
            .then(Op::put(self.joined_key.clone(), encode(&record.id)));
        self.coord.txn(join).await?;
        self.joined = Some(lease);
        Ok(())
    }
}
