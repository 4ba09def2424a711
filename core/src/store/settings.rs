//! The settings of a store and of its background tasks.

use serde::{Deserialize, Serialize};

/// Every bound of a store, in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// The most transactions in one commit.
    pub batch_transactions: usize,
    /// Bytes of mutations at which a commit takes no further transaction.
    pub batch_bytes: usize,
    /// Bytes of mutations above which a commit refers to an object.
    pub inline_bytes: usize,
    /// The most bytes of mutations in one transaction.
    pub transaction_bytes: usize,
    /// The most objects that one commit deletes. The rest of a greater subtree is deleted in later
    /// commits, out of everybody's sight.
    pub deletion_objects: usize,
    /// The most bytes of the read model, if its disk has as many: a write that needs more is
    /// refused.
    pub read_model_bytes: u64,
    /// The most transactions that may wait.
    pub queue: usize,
    /// The most exports at a time. Each holds a snapshot of the read model, a thread and a
    /// connection.
    pub exports: usize,
    /// The least rate at which an export's reader must take it, in bytes a second.
    pub export_bytes_per_second: u64,
    /// Time-out of each call to the coordination store, in milliseconds.
    pub coordination_timeout_ms: u64,
    /// How long a read waits before it makes the feed read the log itself, in milliseconds.
    pub feed_patience_ms: u64,
    /// Batches, within a quarter of a second, that must run again because another instance has
    /// committed first, for this instance to become the one to which the others forward changes; 0:
    /// it never does, and forwards nothing.
    pub leader_conflicts: u64,
    /// When a write is acknowledged.
    pub durability: Durability,
    /// The most commits that may wait to be archived; beyond that writes are refused.
    pub unarchived_commits: u64,
    /// How many numbers a recovery skips in each counter: lost commits may have given out as many.
    pub counter_margin: u64,
    pub tasks: TaskSettings,
}

/// When a write is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// When the coordination store has the commit.
    Quorum,
    /// When object storage has the commit, too: then losing the coordination store loses no
    /// acknowledged write.
    Archived,
}

/// Periods and bounds of the background tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskSettings {
    pub archive_period_ms: u64,
    pub checkpoint_period_ms: u64,
    pub trim_period_ms: u64,
    pub collect_period_ms: u64,
    pub compact_period_ms: u64,
    pub purge_period_ms: u64,
    /// Whether this store compacts the coordination store's history. Compaction is of the whole
    /// store: turn it off where other systems share it, and let its operator compact.
    pub compact: bool,
    /// Revisions of history that are kept in any case.
    pub history_revisions: u64,
    /// Revisions of history that are kept for an instance that has not applied them yet. One that
    /// is further behind loads its read model anew.
    pub behind_revisions: u64,
    /// The commits since the last checkpoint after which another one is made.
    pub checkpoint_commits: u64,
    /// Archived commits that the coordination store keeps.
    pub window_commits: u64,
    /// How long an object must have been garbage before it is deleted, in milliseconds.
    pub grace_ms: u64,
    /// The number of checkpoints of the current lineage that are kept.
    pub checkpoints_kept: usize,
    /// The number of lineages that are kept, the current one included.
    pub lineages_kept: usize,
}

impl Default for TaskSettings {
    fn default() -> TaskSettings {
        TaskSettings {
            archive_period_ms: 1_000,
            checkpoint_period_ms: 60_000,
            trim_period_ms: 2_000,
            collect_period_ms: 300_000,
            compact_period_ms: 1_000,
            purge_period_ms: 1_000,
            compact: true,
            history_revisions: 1_000,
            behind_revisions: 100_000,
            checkpoint_commits: 1_000,
            window_commits: 1_000,
            grace_ms: 600_000,
            checkpoints_kept: 2,
            lineages_kept: 10,
        }
    }
}

impl Default for StoreSettings {
    fn default() -> StoreSettings {
        StoreSettings {
            batch_transactions: 128,
            batch_bytes: 256 << 10,
            inline_bytes: 512 << 10,
            transaction_bytes: 32 << 20,
            deletion_objects: 1_000,
            read_model_bytes: 500 << 30,
            queue: 1024,
            exports: 8,
            export_bytes_per_second: 64 << 10,
            coordination_timeout_ms: 3_000,
            feed_patience_ms: 1_000,
            leader_conflicts: 5,
            durability: Durability::Quorum,
            unarchived_commits: 20_000,
            counter_margin: 1000,
            tasks: TaskSettings::default(),
        }
    }
}
