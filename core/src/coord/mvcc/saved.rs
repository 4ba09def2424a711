//! The stored form of a state, for a store that outlives its process, and restoring it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::coord::{EventKind, Key, KeyValue, Lease, LeaseId, Revision};

use super::State;

/// A state, in the form in which it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    pub revision: Revision,
    /// 0 before the first compaction.
    pub compacted: Revision,
    pub next_lease: LeaseId,
    pub leases: Vec<Lease>,
    /// All changes since the last compaction, and the earlier ones that are still visible there, in
    /// the order in which they happened.
    pub changes: Vec<(EventKind, KeyValue)>,
}

impl State {
    /// Restores a saved state. Its leases start anew, as after a change of leader.
    pub fn restore(saved: Saved, now: Duration) -> State {
        let mut state = State::new(saved.next_lease);
        state.compacted = saved.compacted;
        for lease in saved.leases {
            state.leases.hold(lease, now);
        }
        for same in
            saved.changes.chunk_by(|(_, one), (_, next)| one.mod_revision == next.mod_revision)
        {
            let revision = same[0].1.mod_revision;
            let mut events = Vec::new();
            for (kind, kv) in same {
                let prev = state.current(&kv.key).cloned();
                state.change(*kind, kv.clone(), prev, &mut events);
            }
            if revision == saved.compacted {
                events.iter_mut().for_each(|event| event.prev = None);
            }
            if revision >= saved.compacted {
                state.log.insert(revision, events);
            }
        }
        state.revision = saved.revision;
        state
    }

    /// The last compaction; 0 before the first.
    pub fn compacted(&self) -> Revision {
        self.compacted
    }

    /// The number of the next lease.
    pub fn next_lease(&self) -> LeaseId {
        self.leases.next()
    }

    /// The changes before the last compaction that are alive there.
    pub fn alive_before_compaction(&self) -> BTreeSet<(Revision, Key)> {
        let oldest = self.keys.iter().map(|(key, versions)| (key, &versions[0]));
        let before = oldest.filter(|(_, version)| version.revision < self.compacted);
        let alive = before.filter(|(_, version)| version.kv.is_some());
        let alive = alive.map(|(key, version)| (version.revision, key.clone()));
        alive.collect()
    }
}
