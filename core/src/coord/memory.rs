//! The reference implementation of [`Coordination`]: etcd's semantics in memory.
//!
//! Invariants: exactly those of the trait; no failures, delays or randomness of its own. Leases are
//! measured with the clock that it is given, because each host of a simulation has its own runtime
//! (and so its own timers). The owner calls [`Memory::expire_leases`] periodically; without that,
//! an expired lease is removed by the next operation.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::mvcc::{Saved, Shared, State, first_lease_id};
use super::{
    Coordination, Event, KeyRange, KeyValue, Lease, LeaseId, RangeRequest, RangeResponse, Result,
    Revision, Txn, TxnResponse, WatchRequest, WatchStream,
};
use crate::env::Clock;

/// Clones share the store.
#[derive(Clone)]
pub struct Memory {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
}

impl Memory {
    pub fn new(clock: Arc<dyn Clock>) -> Memory {
        let state = State::new(first_lease_id(clock.wall()));
        let shared = Shared::new(state);
        Memory { shared, clock }
    }

    /// Remembers every event for [`Memory::history`]: grows without bound.
    pub fn with_history(clock: Arc<dyn Clock>) -> Memory {
        let memory = Memory::new(clock);
        memory.update(State::keep_record);
        memory
    }

    /// A store that is restored from a backup: its state is the one that `events` made, from the
    /// beginning up to `revision`. Its leases begin anew, each with the time `ttl` to live. It
    /// remembers its events for [`Memory::history`].
    pub fn restored(
        clock: Arc<dyn Clock>,
        events: &[Event],
        revision: Revision,
        ttl: Duration,
    ) -> Memory {
        let past = events.iter().filter(|event| event.kv.mod_revision <= revision);
        let changes: Vec<_> = past.map(|event| (event.kind, event.kv.clone())).collect();
        let ids: BTreeSet<LeaseId> = changes.iter().filter_map(|(_, kv)| kv.lease).collect();
        let saved = Saved {
            revision,
            compacted: 0,
            next_lease: first_lease_id(clock.wall()),
            leases: ids.into_iter().map(|id| Lease { id, ttl }).collect(),
            changes,
        };
        let state = State::restore(saved, clock.monotonic());
        let memory = Memory { shared: Shared::new(state), clock };
        memory.update(State::keep_record);
        memory
    }

    /// Every event since the beginning, in order, compacted or not.
    pub fn history(&self) -> Vec<Event> {
        self.update(|state| state.recorded().to_vec())
    }

    /// All keys, and the present revision.
    pub fn dump(&self) -> (Revision, Vec<KeyValue>) {
        let all = RangeRequest::new(KeyRange::prefix(""));
        let found = self.update(|state| state.range(&all, state.revision()));
        let found = found.expect("the present can be read");
        (found.revision, found.kvs)
    }

    /// Removes the expired leases, and answers how many there were.
    pub fn expire_leases(&self) -> usize {
        let now = self.clock.monotonic();
        self.publishing(|state| state.expire(now).len())
    }

    /// Removes the expired leases, then runs one operation.
    fn update<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let now = self.clock.monotonic();
        self.publishing(|state| {
            state.expire(now);
            work(state)
        })
    }

    fn publishing<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let done = self.shared.with(|state| (work(state), state.revision()));
        let (answer, revision) = done.expect("memory does not fail");
        self.shared.publish(revision);
        answer
    }
}

#[async_trait]
impl Coordination for Memory {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        self.update(|state| state.range(&request, state.revision()))
    }

    async fn txn(&self, txn: Txn) -> Result<TxnResponse> {
        self.update(|state| state.txn(&txn))
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchStream> {
        self.expire_leases();
        self.shared.watch(request)
    }

    async fn lease_grant(&self, ttl: Duration) -> Result<Lease> {
        let now = self.clock.monotonic();
        self.update(|state| state.lease_grant(ttl, now))
    }

    async fn lease_keep_alive(&self, id: LeaseId) -> Result<Duration> {
        let now = self.clock.monotonic();
        self.update(|state| state.lease_keep_alive(id, now))
    }

    async fn lease_revoke(&self, id: LeaseId) -> Result<()> {
        self.update(|state| state.lease_revoke(id))
    }

    async fn compact(&self, revision: Revision) -> Result<()> {
        self.update(|state| state.compact(revision))
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
