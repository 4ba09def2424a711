//! Leases of the state machine. Times are durations on one monotonic clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::coord::{Error, Key, KeyRange, Lease, LeaseId, Result, check};

use super::State;

/// The shortest time to live granted: what etcd grants at its default election time-out.
pub const MIN_LEASE_TTL: Duration = Duration::from_secs(2);

/// Lease ids for each millisecond: a store numbers its leases from the time of its start.
const LEASES_PER_MS: i64 = 1 << 20;

/// The first lease id of a new store. As in etcd, a store that replaces another one does not grant
/// the ids of that one again.
pub fn first_lease_id(now: Timestamp) -> LeaseId {
    let in_range = now.as_millisecond().rem_euclid(i64::MAX / LEASES_PER_MS);
    LeaseId(in_range * LEASES_PER_MS + 1)
}

#[derive(Debug)]
pub(super) struct Leases {
    held: BTreeMap<LeaseId, Held>,
    next: LeaseId,
}

#[derive(Debug)]
struct Held {
    ttl: Duration,
    deadline: Duration,
    keys: BTreeSet<Key>,
}

impl Leases {
    pub(super) fn new(next: LeaseId) -> Leases {
        let held = BTreeMap::new();
        Leases { held, next }
    }

    pub(super) fn next(&self) -> LeaseId {
        self.next
    }

    pub(super) fn hold(&mut self, lease: Lease, now: Duration) {
        let held = Held { ttl: lease.ttl, deadline: now + lease.ttl, keys: BTreeSet::new() };
        self.held.insert(lease.id, held);
    }

    pub(super) fn check(&self, id: LeaseId) -> Result<()> {
        match self.held.contains_key(&id) {
            true => Ok(()),
            false => Err(Error::LeaseNotExist(id)),
        }
    }

    pub(super) fn move_key(&mut self, key: &Key, from: Option<LeaseId>, to: Option<LeaseId>) {
        if let Some(held) = from.and_then(|id| self.held.get_mut(&id)) {
            held.keys.remove(key);
        }
        if let Some(held) = to.and_then(|id| self.held.get_mut(&id)) {
            held.keys.insert(key.clone());
        }
    }
}

impl State {
    pub fn lease_grant(&mut self, ttl: Duration, now: Duration) -> Result<Lease> {
        check::lease_ttl(ttl)?;
        let whole_seconds = Duration::from_secs(ttl.as_millis().div_ceil(1000) as u64);
        let ttl = whole_seconds.max(MIN_LEASE_TTL);
        let id = self.leases.next;
        self.leases.next = LeaseId(id.0 + 1);
        let lease = Lease { id, ttl };
        self.leases.hold(lease, now);
        Ok(lease)
    }

    /// Renews a lease that has not expired.
    pub fn lease_keep_alive(&mut self, id: LeaseId, now: Duration) -> Result<Duration> {
        let held = self.leases.held.get_mut(&id);
        let held = held.filter(|held| now < held.deadline);
        let held = held.ok_or(Error::LeaseNotExist(id))?;
        held.deadline = now + held.ttl;
        Ok(held.ttl)
    }

    /// Removes a lease, and its keys in one revision.
    pub fn lease_revoke(&mut self, id: LeaseId) -> Result<()> {
        let held = self.leases.held.remove(&id);
        let held = held.ok_or(Error::LeaseNotExist(id))?;
        let mut changes = Vec::new();
        for key in held.keys {
            self.delete(&KeyRange::single(key), &mut changes);
        }
        self.commit(changes);
        Ok(())
    }

    /// Removes the expired leases, each in a revision of its own, the earliest deadline first.
    pub fn expire(&mut self, now: Duration) -> Vec<LeaseId> {
        let all = self.leases.held.iter();
        let over = all.filter(|(_, held)| held.deadline <= now);
        let mut over: Vec<_> = over.map(|(id, held)| (held.deadline, *id)).collect();
        over.sort_unstable();
        let ids = over.into_iter().map(|(_, id)| id);
        let ids: Vec<LeaseId> = ids.collect();
        for id in &ids {
            self.lease_revoke(*id).expect("a lease found is there");
        }
        ids
    }

    /// All leases that exist.
    pub fn leases(&self) -> impl Iterator<Item = Lease> {
        let all = self.leases.held.iter();
        all.map(|(id, held)| Lease { id: *id, ttl: held.ttl })
    }
}
