//! Counters of a store's events, for metrics and tests.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters of a store's events since it was opened.
        #[derive(Debug, Default)]
        pub struct Stats { $($(#[$doc])* $name: AtomicU64,)* }

        impl Stats {
            $(pub(crate) fn $name(&self) { self.$name.fetch_add(1, Ordering::Relaxed); })*

            /// Batches that were run again so far.
            pub fn conflicts_so_far(&self) -> u64 {
                self.conflicts.load(Ordering::Relaxed)
            }

            /// Every counter with its name.
            pub fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.load(Ordering::Relaxed)),)*]
            }
        }
    };
}

counters! {
    commits,
    /// Batches that found `head` or `mode` moved on, and were run again.
    conflicts,
    /// Commits whose outcome was unknown at first, and found applied.
    unknown_applied,
    /// Commits whose outcome was unknown at first, and found not applied.
    unknown_refused,
    loads,
    /// Breaks in the feed that led to a new load.
    feed_gaps,
    /// Watches that broke and were started again.
    watch_breaks,
    /// Times that the feed was behind and read the log itself.
    catch_ups,
    head_reads,
    /// Times that a task lost its lock, or a race, before it could publish.
    fenced,
    segments,
    checkpoints,
    trims,
    /// Times that the coordination store's history was compacted.
    compactions,
    /// Times that the coordination store gave back the space of dropped history.
    reclaims,
    /// Objects deleted because nothing refers to them.
    collected,
    recoveries,
    task_failures,
    archive_passes,
    checkpoint_passes,
    trim_passes,
    compact_passes,
    collect_passes,
    purge_passes,
    /// Objects of deleted subtrees that were deleted in later commits.
    purged,
    /// Reads that shared the read of `head` with another one.
    head_reads_shared,
}
