//! The servers that a client may call, and which of them it calls first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Servers that are as good as each other. Clones share which one answered last.
#[derive(Clone)]
pub(super) struct Endpoints {
    authorities: Arc<[String]>,
    /// Calls begin here. A hint: whatever it says, all are tried.
    preferred: Arc<AtomicUsize>,
}

impl Endpoints {
    /// # Panics
    /// If there is none.
    pub(super) fn new(authorities: Vec<String>) -> Endpoints {
        assert!(!authorities.is_empty(), "a client calls somebody");
        Endpoints { authorities: authorities.into(), preferred: Arc::default() }
    }

    /// All of them, in the order in which they are tried.
    pub(super) fn in_order(&self) -> impl ExactSizeIterator<Item = (usize, &str)> {
        let (first, count) = (self.preferred.load(Ordering::Relaxed), self.authorities.len());
        (0..count).map(move |nth| {
            let at = (first + nth) % count;
            (at, &*self.authorities[at])
        })
    }

    /// This one answered.
    pub(super) fn prefer(&self, at: usize) {
        self.preferred.store(at, Ordering::Relaxed);
    }

    pub(super) fn first(&self) -> &str {
        &self.authorities[0]
    }
}
