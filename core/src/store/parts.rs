//! The parts of a store, and how it is put together.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::apply::Proposed;
use super::archived::ArchivedFollower;
use super::committer::Committer;
use super::feed::Feed;
use super::reads::{HeadReader, HeadWaiter};
use super::settings::StoreSettings;
use super::state::{Applied, Phase};
use super::transact::Job;
use super::upgrade::Upgrade;
use crate::coord::{Bounded, Coordination, Space};
use crate::db::{Db, Execution};
use crate::env::Env;
use crate::log::format::{ArchivedRecord, Position};
use crate::log::keys::{Keys, ObjectKeys};
use crate::maintenance::{ModeCell, SeenMode};
use crate::objects::Objects;
use crate::read_model::base::StoreBase;
use crate::read_model::version::WritesVersion;
use crate::read_model::{KeyCheck, Progress, Schema, Stats, StoreError};

/// The parts that a store is made of.
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
    /// The encryption keys; an import that needs another one is refused.
    pub key_check: Arc<dyn KeyCheck>,
}

/// One service's store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

/// The state of a running store, on top of its [`StoreBase`].
pub(crate) struct Inner {
    base: StoreBase,
    pub(crate) settings: StoreSettings,
    pub(crate) mode: ModeCell,
    pub(crate) key_check: Arc<dyn KeyCheck>,
    /// The key `archived` as last read; `None` before the first read.
    pub(super) archived: watch::Sender<Option<ArchivedRecord>>,
    /// The space of the coordination store as last read; `None`: not known.
    pub(super) space: watch::Sender<Option<Space>>,
    /// Why the store cannot be loaded by this version of the program.
    pub(super) too_old: watch::Sender<Option<String>>,
    /// Whether the log holds a commit for which the read model's disk has no room.
    pub(super) model_full: watch::Sender<bool>,
    /// Why this store was halted.
    halted: watch::Sender<Option<String>>,
    pub(super) applied: watch::Sender<Applied>,
    /// The phase of `applied`, for watchers that need not wake at every commit.
    pub(super) phase: watch::Sender<Phase>,
    pub(super) db: RwLock<Option<Db>>,
    pub(super) jobs: mpsc::Sender<Box<dyn Job>>,
    pub(super) head_waiters: mpsc::Sender<HeadWaiter>,
    pub(super) proposed: Proposed,
    /// A permit for each export that may run.
    pub(crate) exports: Arc<Semaphore>,
    /// Deleted subtrees whose objects are still being deleted, as last counted.
    pub(crate) deletions_waiting: AtomicU64,
    /// Held while commits are applied to the read model, and while it is marked as loading.
    pub(super) model_lock: Mutex<()>,
    /// Wakes the feed when a read or a write waits for it too long.
    pub(super) feed_wakeup: Notify,
    /// The archiver has found that the coordination store was set back: the feed loads anew.
    pub(crate) set_back_found: Notify,
}

impl Deref for Inner {
    type Target = StoreBase;

    fn deref(&self) -> &StoreBase {
        &self.base
    }
}

/// The loops of a store; dropping them stops it.
pub struct Loops {
    feed: Feed,
    committer: Committer,
    heads: HeadReader,
    archived: ArchivedFollower,
    upgrade: Upgrade,
}

impl Store {
    /// A store that does nothing until its loops run.
    pub fn new(parts: StoreParts) -> (Store, Loops) {
        let (jobs, jobs_taken) = mpsc::channel(parts.settings.queue);
        let (head_waiters, head_waiters_taken) = mpsc::channel(parts.settings.queue);
        let timeout = Duration::from_millis(parts.settings.coordination_timeout_ms);
        let exports = parts.settings.exports.clamp(1, Semaphore::MAX_PERMITS);
        let service = parts.schema.service;
        let base = StoreBase {
            coord: Bounded::new(parts.coord, timeout),
            objects: Objects::new(parts.objects, parts.env.clone()),
            keys: Keys::new(&parts.cluster, service),
            object_keys: ObjectKeys::new(&parts.cluster, service),
            schema: parts.schema,
            env: parts.env,
            execution: parts.execution,
            scratch: parts.scratch,
            model_bytes: parts.settings.read_model_bytes,
            counter_margin: parts.settings.counter_margin,
            writes: WritesVersion::default(),
            stats: Stats::default(),
            progress: Progress::default(),
        };
        let inner = Arc::new(Inner {
            base,
            settings: parts.settings,
            mode: parts.mode,
            key_check: parts.key_check,
            archived: watch::Sender::new(None),
            space: watch::Sender::new(None),
            too_old: watch::Sender::new(None),
            model_full: watch::Sender::new(false),
            halted: watch::Sender::new(None),
            applied: watch::Sender::new(Applied::NOTHING),
            phase: watch::Sender::new(Applied::NOTHING.phase),
            db: RwLock::new(None),
            jobs,
            head_waiters,
            proposed: Proposed::default(),
            exports: Arc::new(Semaphore::new(exports)),
            deletions_waiting: AtomicU64::new(0),
            model_lock: Mutex::new(()),
            feed_wakeup: Notify::new(),
            set_back_found: Notify::new(),
        });
        let loops = Loops {
            feed: Feed::new(Arc::clone(&inner)),
            committer: Committer::new(Arc::clone(&inner), jobs_taken),
            heads: HeadReader::new(Arc::clone(&inner), head_waiters_taken),
            archived: ArchivedFollower::new(Arc::clone(&inner)),
            upgrade: Upgrade::new(Arc::clone(&inner)),
        };
        (Store { inner }, loops)
    }

    pub fn settings(&self) -> &StoreSettings {
        &self.inner.settings
    }

    /// Follows the position of the read model.
    pub fn applied(&self) -> watch::Receiver<Applied> {
        self.inner.applied.subscribe()
    }

    /// The mode, as this instance has seen it; `None` until it is read.
    pub fn mode(&self) -> Option<SeenMode> {
        self.inner.mode.get()
    }

    /// Follows whether the read model is loaded.
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.inner.phase.subscribe()
    }

    pub fn stats(&self) -> &Stats {
        &self.inner.stats
    }

    pub fn progress(&self) -> &Progress {
        &self.inner.progress
    }

    /// The last archived position as last read; `None` before the first read.
    pub fn archived(&self) -> Option<Position> {
        self.inner.archived.borrow().map(|archived| archived.position)
    }

    /// The number of writes that wait for the committer, and of reads that wait for `head`.
    pub fn waiting(&self) -> (usize, usize) {
        let Inner { jobs, head_waiters, .. } = &*self.inner;
        let writes = jobs.max_capacity() - jobs.capacity();
        (writes, head_waiters.max_capacity() - head_waiters.capacity())
    }

    /// The number of deleted subtrees whose objects are still being deleted, as last counted.
    pub fn deletions_waiting(&self) -> u64 {
        self.inner.deletions_waiting.load(Ordering::Relaxed)
    }

    /// The number of exports under way.
    pub fn exports(&self) -> usize {
        self.inner.settings.exports.saturating_sub(self.inner.exports.available_permits())
    }

    /// The size of the read model's write-ahead log.
    pub fn wal_bytes(&self) -> u64 {
        self.inner.db().map_or(0, |db| db.wal_bytes())
    }

    /// Resolves with the reason once this store is halted.
    pub async fn halted(&self) -> String {
        let mut halted = self.inner.halted.subscribe();
        let reason = halted.wait_for(Option::is_some).await.expect("self holds the sender");
        reason.clone().unwrap_or_default()
    }

    /// Why the store cannot be loaded, if a newer version of the program wrote it.
    pub fn too_old(&self) -> Option<String> {
        self.inner.too_old.borrow().clone()
    }

    /// The version of the schema in which this instance writes.
    pub fn writes_version(&self) -> u32 {
        self.inner.writes_version()
    }

    /// Makes a store that no instance serves write the newest version: nobody else reads it.
    pub fn write_newest(&self) {
        self.inner.writes.found(self.inner.schema.version);
    }

    /// Object storage, for what a service keeps outside its log.
    pub fn objects(&self) -> &Objects {
        &self.inner.objects
    }

    /// The names of this service's objects.
    pub fn object_keys(&self) -> &ObjectKeys {
        &self.inner.object_keys
    }

    pub fn schema(&self) -> &'static Schema {
        self.inner.schema
    }
}

impl Loops {
    /// Runs until `stop`; a commit that is proposed by then may or may not be in the log.
    pub async fn run(self, stop: CancellationToken) {
        let Loops { feed, committer, heads, archived, upgrade } = self;
        let all = async {
            tokio::join!(feed.run(), committer.run(), heads.run(), archived.run(), upgrade.run())
        };
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
