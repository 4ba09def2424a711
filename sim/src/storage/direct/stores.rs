//! The coordination stores of a run in memory: one at first, and another one whenever it is lost or
//! set back.
//!
//! Every store keeps its whole history, so nothing of it is lost, whatever becomes of a store.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use drydock_core::coord::memory::Memory;
use drydock_core::coord::{Event, Revision};
use drydock_core::env::Clock;

use crate::plan::fault::Replacement;
use crate::storage::StorageFaults;
use crate::timeline::{Past, RevisionLog};

#[derive(Clone)]
pub struct Stores {
    clock: Arc<dyn Clock>,
    revisions: RevisionLog,
    ttl: Duration,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    eras: Vec<Era>,
    /// Faults that have replaced the store already.
    done: Vec<usize>,
}

/// The time of one store.
struct Era {
    store: Memory,
    /// What happened before, as far as this store knows it.
    inherited: Vec<Event>,
}

impl Stores {
    /// `ttl`: of the leases that a backup brings back.
    pub fn new(clock: Arc<dyn Clock>, revisions: &RevisionLog, ttl: Duration) -> Stores {
        let store = Memory::with_history(Arc::clone(&clock));
        let eras = vec![Era { store, inherited: Vec::new() }];
        let inner = Arc::new(Mutex::new(Inner { eras, done: Vec::new() }));
        Stores { clock, revisions: revisions.clone(), ttl, inner }
    }

    pub fn current(&self) -> Memory {
        let inner = self.lock();
        inner.eras.last().expect("there is always a store").store.clone()
    }

    /// How many stores there were before the current one.
    pub fn era(&self) -> usize {
        self.lock().eras.len() - 1
    }

    /// Does what the faults that have begun say. Answers whether the store is another one now.
    pub fn replace(&self, faults: &StorageFaults) -> bool {
        let mut replaced = false;
        while let Some((index, by)) = self.next(faults) {
            self.lock().done.push(index);
            faults.hit(index, 1);
            self.begin(by);
            replaced = true;
        }
        replaced
    }

    /// A fault that has not replaced the store yet, and what it replaces the store by.
    fn next(&self, faults: &StorageFaults) -> Option<(usize, Replacement)> {
        let done = &self.lock().done;
        faults.first(|index| match done.contains(&index) {
            true => None,
            false => faults.kind(index).coordination()?.replacement(),
        })
    }

    fn begin(&self, by: Replacement) {
        let (store, inherited) = match by {
            Replacement::Empty => (Memory::with_history(Arc::clone(&self.clock)), Vec::new()),
            Replacement::Backup(age) => {
                let then = self.revisions.now().saturating_sub(age);
                let revision = self.revisions.revision_at(then);
                let mut events = self.past().pop().map(Past::whole).unwrap_or_default();
                events.retain(|event| event.kv.mod_revision <= revision);
                let clock = Arc::clone(&self.clock);
                (Memory::restored(clock, &events, revision, self.ttl), events)
            }
        };
        self.revisions.new_era(store.dump().0);
        self.lock().eras.push(Era { store, inherited });
    }

    /// Every store's history, in order.
    pub fn past(&self) -> Vec<Past> {
        let inner = self.lock();
        let past = inner
            .eras
            .iter()
            .map(|era| Past { inherited: era.inherited.clone(), events: era.store.history() });
        past.collect()
    }

    pub fn revision(&self) -> Revision {
        self.current().dump().0
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of this lock panics")
    }
}
