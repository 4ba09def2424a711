//! The progress of a load, for readiness, metrics and the log.

use std::sync::atomic::{AtomicU64, Ordering};

/// Objects or commits loaded, and their total. One loader writes it; any thread may read it.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

/// Objects or commits between two lines in the log.
const LOG_EVERY: u64 = 100_000;

impl Progress {
    pub(crate) fn begin(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, by: u64) {
        let before = self.done.fetch_add(by, Ordering::Relaxed);
        if before / LOG_EVERY != (before + by) / LOG_EVERY {
            let total = self.total.load(Ordering::Relaxed);
            tracing::info!(done = before + by, total, "loading the read model");
        }
    }

    /// The number loaded, and the total.
    pub fn get(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}
