//! The servers that a client may call, and which of them it calls first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::connections::IdlePool;

/// Servers that share one store. Clones share their connections and the preferred server.
#[derive(Clone)]
pub(crate) struct Servers {
    all: Arc<[Server]>,
    /// The server that calls try first, because it answered last. Only a hint: all are tried.
    preferred: Arc<AtomicUsize>,
}

pub(crate) struct Server {
    pub(crate) authority: String,
    pub(crate) idle: IdlePool,
}

impl Servers {
    /// # Panics
    /// If `authorities` is empty.
    pub(crate) fn new(authorities: Vec<String>) -> Servers {
        assert!(!authorities.is_empty(), "a client has at least one server");
        let server = |authority| Server { authority, idle: IdlePool::default() };
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

    /// Makes this server the first to be tried, because it answered.
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
