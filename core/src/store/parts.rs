//! A store's settings, its parts, and how it is put together.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::apply::Proposed;
use super::archived::ArchivedFollower;
use super::committer::Committer;
use super::error::StoreError;
use super::feed::Feed;
use super::progress::Progress;
use super::reads::{HeadReader, HeadWaiter};
use super::schema::Schema;
use super::state::{Applied, Phase, Stats};
use super::transact::Job;
use crate::coord::{Bounded, Coordination};
use crate::db::{Db, Execution};
use crate::env::Env;
use crate::log::format::{ArchivedRecord, Position};
use crate::log::keys::{Keys, ObjectKeys};
use crate::maintenance::ModeCell;
use crate::objects::Objects;

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

/// What a store is made of.
pub struct StoreParts {
    pub cluster: String,
    pub schema: &'static Schema,
    pub env: Env,
    pub coord: Arc<dyn Coordination>,
    pub objects: Arc<dyn object_store::ObjectStore>,
    pub settings: StoreSettings,
    pub execution: Execution,
    /// The folder for read models.
    pub scratch: PathBuf,
    /// Shared with the maintenance driver.
    pub mode: ModeCell,
    /// Names of the encryption keys that objects may need; an import of others is refused.
    pub known_keys: BTreeSet<String>,
}

/// One service's store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) env: Env,
    pub(crate) coord: Bounded,
    pub(crate) objects: Objects,
    pub(crate) keys: Keys,
    pub(crate) object_keys: ObjectKeys,
    pub(crate) schema: &'static Schema,
    pub(crate) settings: StoreSettings,
    pub(crate) execution: Execution,
    pub(crate) scratch: PathBuf,
    pub(crate) mode: ModeCell,
    pub(crate) known_keys: BTreeSet<String>,
    pub(crate) stats: Stats,
    pub(crate) progress: Progress,
    /// How far the log is archived, as last seen; `None` before the first look.
    pub(super) archived: watch::Sender<Option<ArchivedRecord>>,
    /// Why this store must not go on.
    halted: watch::Sender<Option<String>>,
    pub(super) applied: watch::Sender<Applied>,
    /// That of `applied`, for those who need not hear of every commit.
    pub(super) phase: watch::Sender<Phase>,
    pub(super) db: RwLock<Option<Db>>,
    pub(super) jobs: mpsc::Sender<Box<dyn Job>>,
    pub(super) head_waiters: mpsc::Sender<HeadWaiter>,
    pub(super) proposed: Proposed,
    /// Held by whoever brings the read model further, or makes it anew.
    pub(super) turn: Mutex<()>,
    /// Somebody waits for the feed longer than is usual.
    pub(super) feed_late: Notify,
}

/// The loops of a store; dropping them stops it.
pub struct Loops {
    feed: Feed,
    committer: Committer,
    heads: HeadReader,
    archived: ArchivedFollower,
}

impl Store {
    /// A store that does nothing until its loops run.
    pub fn new(parts: StoreParts) -> (Store, Loops) {
        let (jobs, jobs_taken) = mpsc::channel(parts.settings.queue);
        let (head_waiters, head_waiters_taken) = mpsc::channel(parts.settings.queue);
        let timeout = Duration::from_millis(parts.settings.coordination_timeout_ms);
        let service = parts.schema.service;
        let inner = Arc::new(Inner {
            coord: Bounded::new(parts.coord, timeout),
            objects: Objects::new(parts.objects, parts.env.clone()),
            keys: Keys::new(&parts.cluster, service),
            object_keys: ObjectKeys::new(&parts.cluster, service),
            schema: parts.schema,
            env: parts.env,
            settings: parts.settings,
            execution: parts.execution,
            scratch: parts.scratch,
            mode: parts.mode,
            known_keys: parts.known_keys,
            stats: Stats::default(),
            progress: Progress::default(),
            archived: watch::Sender::new(None),
            halted: watch::Sender::new(None),
            applied: watch::Sender::new(Applied::NOTHING),
            phase: watch::Sender::new(Applied::NOTHING.phase),
            db: RwLock::new(None),
            jobs,
            head_waiters,
            proposed: Proposed::default(),
            turn: Mutex::new(()),
            feed_late: Notify::new(),
        });
        let loops = Loops {
            feed: Feed::new(Arc::clone(&inner)),
            committer: Committer::new(Arc::clone(&inner), jobs_taken),
            heads: HeadReader::new(Arc::clone(&inner), head_waiters_taken),
            archived: ArchivedFollower::new(Arc::clone(&inner)),
        };
        (Store { inner }, loops)
    }

    /// Follows how far the read model is.
    pub fn applied(&self) -> watch::Receiver<Applied> {
        self.inner.applied.subscribe()
    }

    /// Follows whether there is a read model.
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.inner.phase.subscribe()
    }

    pub fn stats(&self) -> &Stats {
        &self.inner.stats
    }

    pub fn progress(&self) -> &Progress {
        &self.inner.progress
    }

    /// How far the log is archived, as last seen; `None` before the first look.
    pub fn archived(&self) -> Option<Position> {
        self.inner.archived.borrow().map(|archived| archived.position)
    }

    /// Writes that wait for the committer, and reads that wait for a look at `head`.
    pub fn waiting(&self) -> (usize, usize) {
        let Inner { jobs, head_waiters, .. } = &*self.inner;
        let writes = jobs.max_capacity() - jobs.capacity();
        (writes, head_waiters.max_capacity() - head_waiters.capacity())
    }

    /// Resolves, with the reason, if this store must not go on.
    pub async fn halted(&self) -> String {
        let mut halted = self.inner.halted.subscribe();
        let reason = halted.wait_for(Option::is_some).await.expect("self holds the sender");
        reason.clone().unwrap_or_default()
    }

    pub fn schema(&self) -> &'static Schema {
        self.inner.schema
    }
}

impl Loops {
    /// Runs until `stop`; what was proposed by then may or may not be committed.
    pub async fn run(self, stop: CancellationToken) {
        let Loops { feed, committer, heads, archived } = self;
        let all = async { tokio::join!(feed.run(), committer.run(), heads.run(), archived.run()) };
        stop.run_until_cancelled(Box::pin(all)).await;
    }
}

impl Inner {
    /// Stops this store for good.
    pub(crate) fn halt(&self, reason: String) {
        tracing::error!(reason, "the store is halted");
        self.halted.send_replace(Some(reason));
    }

    /// The read model, if it is loaded.
    pub(crate) fn db(&self) -> Result<Db, StoreError> {
        if self.applied.borrow().phase != Phase::Ready {
            return Err(StoreError::NotReady);
        }
        let db = self.db.read().expect("no holder of this lock panics");
        db.clone().ok_or(StoreError::NotReady)
    }
}
