//! Leases. Moments are durations on the monotonic clock of whoever leads.

use std::collections::BTreeSet;
use std::time::Duration;

use etcd_client::proto::PbKeyValue;

use super::kv::{Changes, Machine, is_delete};
use crate::error::{Error, Result};

/// Seconds.
pub const MAX_LEASE_TTL: i64 = 9_000_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Granted, in seconds.
    pub ttl: i64,
    pub expires: Duration,
    pub keys: BTreeSet<Vec<u8>>,
}

impl Lease {
    fn granted(ttl: i64) -> Duration {
        Duration::from_secs(ttl.unsigned_abs())
    }

    pub fn remaining(&self, now: Duration) -> Duration {
        self.expires.saturating_sub(now)
    }
}

impl Machine {
    /// Grants a lease for at least `min_ttl`, and answers for how long.
    pub fn grant(&mut self, id: i64, ttl: i64, min_ttl: i64, now: Duration) -> Result<i64> {
        if ttl > MAX_LEASE_TTL {
            return Err(Error::LeaseTtlTooLarge);
        }
        if self.leases.contains_key(&id) {
            return Err(Error::LeaseExists);
        }
        let ttl = ttl.max(min_ttl);
        let expires = now + Lease::granted(ttl);
        self.leases.insert(id, Lease { ttl, expires, keys: BTreeSet::new() });
        Ok(ttl)
    }

    /// Ends a lease and deletes its keys, all in one revision.
    pub fn revoke(&mut self, id: i64) -> Result<()> {
        let lease = self.leases.get(&id).ok_or(Error::LeaseNotFound)?;
        let keys = lease.keys.clone();
        let mut changes = Changes::new();
        for key in keys {
            if let Some(old) = self.current(&key).cloned() {
                self.bury(&old, &mut changes);
            }
        }
        let ended = self.leases.remove(&id).map(|lease| (self.revision, lease));
        self.ended.extend(ended.map(|ended| (id, ended)));
        self.commit(changes);
        Ok(())
    }

    /// Starts the term of a lease anew, and answers its length in seconds.
    pub fn renew(&mut self, id: i64, now: Duration) -> Result<i64> {
        let lease = self.leases.get_mut(&id).ok_or(Error::LeaseNotFound)?;
        // Its end is decided, only not yet carried out.
        if lease.expires <= now {
            return Err(Error::LeaseNotFound);
        }
        lease.expires = now + Lease::granted(lease.ttl);
        Ok(lease.ttl)
    }

    /// What a new leader does: it cannot know how much of its term each lease has used, so all
    /// start anew, and last longer by `extend`.
    pub fn extend_leases(&mut self, extend: Duration, now: Duration) {
        for lease in self.leases.values_mut() {
            lease.expires = now + extend + Lease::granted(lease.ttl);
        }
    }

    /// The leases whose term is over, the longest overdue first.
    pub fn expired(&self, now: Duration) -> Vec<i64> {
        let overdue = self.leases.iter().filter(|(_, lease)| lease.expires <= now);
        let mut overdue: Vec<_> = overdue.map(|(id, lease)| (lease.expires, *id)).collect();
        overdue.sort_unstable();
        overdue.into_iter().map(|(_, id)| id).collect()
    }

    /// Goes back to a revision, as far as it is kept: what a backup of then brings back. Leases
    /// that keys were attached to are there again, and all start anew.
    pub fn rewind(&mut self, revision: i64, ttl: Duration, now: Duration) {
        self.truncate(revision);
        let ttl = i64::try_from(ttl.as_secs()).unwrap_or(MAX_LEASE_TTL);
        let newest = self.keys.values().filter_map(|versions| versions.last());
        let named = newest.filter(|kv| !is_delete(kv) && kv.lease != 0).map(|kv| kv.lease);
        for id in named.collect::<BTreeSet<_>>() {
            let lease = || Lease { ttl, expires: now, keys: BTreeSet::new() };
            self.leases.entry(id).or_insert_with(lease);
        }
        self.attach_all();
        self.extend_leases(Duration::ZERO, now);
    }

    pub fn lease(&self, id: i64) -> Option<&Lease> {
        self.leases.get(&id)
    }

    /// All leases, the first to expire first.
    pub fn lease_ids(&self) -> Vec<i64> {
        let mut leases: Vec<_> =
            self.leases.iter().map(|(id, lease)| (lease.expires, *id)).collect();
        leases.sort_unstable();
        leases.into_iter().map(|(_, id)| id).collect()
    }

    /// Moves a key from one lease to another; 0 is none.
    pub(super) fn move_key(&mut self, key: &[u8], from: i64, to: i64) {
        if let Some(lease) = self.leases.get_mut(&from) {
            lease.keys.remove(key);
        }
        if let Some(lease) = self.leases.get_mut(&to) {
            lease.keys.insert(key.to_vec());
        }
    }

    /// Attaches every key to its lease as its newest version says.
    pub(super) fn attach_all(&mut self) {
        self.leases.values_mut().for_each(|lease| lease.keys.clear());
        let newest = self.keys.values().filter_map(|versions| versions.last());
        let attached: Vec<&PbKeyValue> =
            newest.map(|kv| &**kv).filter(|kv| !is_delete(kv) && kv.lease != 0).collect();
        for kv in attached {
            if let Some(lease) = self.leases.get_mut(&kv.lease) {
                lease.keys.insert(kv.key.clone());
            }
        }
    }
}
