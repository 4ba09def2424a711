//! The servers that a client may call, and which of them it calls first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::connections::Idle;

/// Servers that are as good as each other. Clones share connections, and which one answered last.
#[derive(Clone)]
pub(super) struct Endpoints {
    all: Arc<[Endpoint]>,
    /// Calls begin here. A hint: whatever it says, all are tried.
    preferred: Arc<AtomicUsize>,
}

pub(super) struct Endpoint {
    pub(super) authority: String,
    pub(super) idle: Idle,
}

impl Endpoints {
    /// # Panics
    /// If there is none.
    pub(super) fn new(authorities: Vec<String>) -> Endpoints {
        assert!(!authorities.is_empty(), "a client calls somebody");
        let endpoint = |authority| Endpoint { authority, idle: Idle::default() };
        let all = authorities.into_iter().map(endpoint).collect();
        Endpoints { all, preferred: Arc::default() }
    }

    /// All of them, in the order in which they are tried.
    pub(super) fn in_order(&self) -> impl ExactSizeIterator<Item = (usize, &Endpoint)> {
        let (first, count) = (self.preferred.load(Ordering::Relaxed), self.all.len());
        (0..count).map(move |nth| {
            let at = (first + nth) % count;
            (at, &self.all[at])
        })
    }

    /// This one answered.
    pub(super) fn prefer(&self, at: usize) {
        self.preferred.store(at, Ordering::Relaxed);
    }

    pub(super) fn get(&self, at: usize) -> &Endpoint {
        &self.all[at]
    }

    pub(super) fn first(&self) -> &str {
        &self.all[0].authority
    }
}
