//! The settings of a store and of its background tasks.

use serde::{Deserialize, Serialize};

/// Every bound of a store, in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// Transactions in one commit at most.
    pub batch_transactions: usize,
    /// Bytes of actions at which a commit takes no further transaction.
    pub batch_bytes: usize,
    /// Bytes of actions above which a commit refers to an object.
    pub inline_bytes: usize,
    /// Bytes of actions of one transaction at most.
    pub transaction_bytes: usize,
    /// Transactions that may wait at most.
    pub queue: usize,
    /// Time-out of each call to the coordination store, in milliseconds.
    pub coordination_timeout_ms: u64,
    /// How long a read waits for the feed before the feed asks the log itself, in milliseconds.
    pub feed_patience_ms: u64,
    /// When a write is acknowledged.
    pub durability: Durability,
    /// Commits that may wait to be archived at most: then writes are refused.
    pub unarchived_commits: u64,
    pub tasks: TaskSettings,
}

/// When a write is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// When the coordination store has it.
    Quorum,
    /// When object storage has it, too: then losing the coordination store loses nothing.
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
    /// Commits since the last checkpoint that are worth another.
    pub checkpoint_commits: u64,
    /// Archived commits that the coordination store keeps.
    pub window_commits: u64,
    /// How long an object must have been garbage before it is deleted, in milliseconds.
    pub grace_ms: u64,
    /// Checkpoints of the lineage in force that are kept.
    pub checkpoints_kept: usize,
    /// Lineages that are kept, the one in force included.
    pub lineages_kept: usize,
}

impl Default for TaskSettings {
    fn default() -> TaskSettings {
        TaskSettings {
            archive_period_ms: 1_000,
            checkpoint_period_ms: 60_000,
            trim_period_ms: 10_000,
            collect_period_ms: 300_000,
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
            queue: 1024,
            coordination_timeout_ms: 3_000,
            feed_patience_ms: 1_000,
            durability: Durability::Quorum,
            unarchived_commits: 20_000,
            tasks: TaskSettings::default(),
        }
    }
}
