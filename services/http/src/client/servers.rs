//! The servers that a client may call, and which of them it calls first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::connections::Idle;

/// Servers that are as good as each other. Clones share connections, and which one answered last.
#[derive(Clone)]
pub(crate) struct Servers {
    all: Arc<[Server]>,
    /// Calls begin here. A hint: whatever it says, all are tried.
    preferred: Arc<AtomicUsize>,
}

pub(crate) struct Server {
    pub(crate) authority: String,
    pub(crate) idle: Idle,
}

impl Servers {
    /// # Panics
    /// If there is none.
    pub(crate) fn new(authorities: Vec<String>) -> Servers {
        assert!(!authorities.is_empty(), "a client calls somebody");
        let server = |authority| Server { authority, idle: Idle::default() };
        let all = authorities.into_iter().map(server).collect();
        Servers { all, preferred: Arc::default() }
    }

    /// All of them, in the order in which they are tried.
    pub(crate) fn in_order(&self) -> impl ExactSizeIterator<Item = (usize, &Server)> {
        let (first, count) = (self.preferred.load(Ordering::Relaxed), self.all.len());
        (0..count).map(move |nth| {
            let at = (first + nth) % count;
            (at, &self.all[at])
        })
    }

    /// This one answered.
    pub(crate) fn prefer(&self, at: usize) {
        self.preferred.store(at, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, at: usize) -> &Server {
        &self.all[at]
    }

    pub(crate) fn first(&self) -> &str {
        &self.all[0].authority
    }
}
