//! A small world for the unit tests of store and archive: one coordination store that can
//! misbehave, one object store, any number of instances, a schema of two types.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use jiff::Timestamp;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::context::Context;
use crate::coord::memory::Memory;
use crate::coord::{
    Coordination, CoordinationExt, Error, KeyValue, Lease, LeaseId, Op, Put, RangeRequest,
    RangeResponse, Result as CoordResult, Revision, Space, Txn, TxnResponse, WatchRequest,
    WatchStream,
};
use crate::db::Execution;
use crate::env::{Clock, Env, ManualClock, RngTree};
use crate::error::BoxError;
use crate::log::ballot::Ballot;
use crate::log::format::{Commit, Mode, ModeRecord, decode, encode};
use crate::log::keys::{Keys, ObjectKeys};
use crate::log::segment::Segment;
use crate::maintenance::{ModeCell, SeenMode};
use crate::read_model::{ObjectType, Schema};
use crate::store::{Loops, Phase, Reads, Store, StoreParts, StoreSettings};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub id: Uuid,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub id: Uuid,
    pub item: Uuid,
    pub note: String,
}

fn check<T: for<'a> Deserialize<'a>>(text: &str) -> Result<(), String> {
    serde_json::from_str::<T>(text).map(drop).map_err(|error| error.to_string())
}

pub static SCHEMA: Schema = Schema {
    service: "toy",
    version: 1,
    types: &[
        ObjectType {
            name: "item",
            table: "CREATE TABLE item (
                id TEXT PRIMARY KEY,
                data TEXT NOT NULL,
                name TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.name') STORED UNIQUE
            ) STRICT;",
            check: check::<Item>,
            encrypted: |_| None,
        },
        ObjectType {
            name: "part",
            table: "CREATE TABLE part (
                id TEXT PRIMARY KEY,
                data TEXT NOT NULL,
                item TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.item') STORED
                    REFERENCES item (id)
            ) STRICT;",
            check: check::<Part>,
            encrypted: |_| None,
        },
    ],
};

/// A fault of one transaction; the queued faults hit the next transactions in order.
#[derive(Debug, Clone, Copy)]
pub enum Mishap {
    Pass,
    /// The transaction is refused, and is not applied.
    Refuse,
    /// The transaction is applied, and its answer is lost.
    LoseAnswer,
    /// The transaction is not applied, and its outcome is unknown.
    LoseRequest,
    /// The transaction is refused for want of space.
    NoSpace,
    /// The transaction is applied, and is known to be; it takes the last space.
    TakeLastSpace,
}

/// A coordination store behind a bad network.
#[derive(Clone)]
pub struct Flaky {
    memory: Arc<Mutex<Memory>>,
    mishaps: Arc<Mutex<VecDeque<Mishap>>>,
    /// The number of next commits whose watch events are lost.
    swallow: Arc<Mutex<usize>>,
    /// Answers of reads wait for this lock.
    answers: Arc<RwLock<()>>,
    space: Arc<Mutex<Option<Space>>>,
}

impl Flaky {
    pub fn new() -> Flaky {
        let memory = Arc::new(Mutex::new(empty()));
        Flaky {
            memory,
            mishaps: Arc::default(),
            swallow: Arc::default(),
            answers: Arc::default(),
            space: Arc::default(),
        }
    }

    pub fn memory(&self) -> Memory {
        self.memory.lock().unwrap().clone()
    }

    /// Replaces the store by an empty one while clients use it.
    pub fn lose_everything(&self) {
        *self.memory.lock().unwrap() = empty();
    }

    /// A backup: all keys.
    pub fn snapshot(&self) -> Vec<KeyValue> {
        self.memory().dump().1
    }

    /// Replaces the store by one that is made from a backup.
    pub async fn restore(&self, mut backup: Vec<KeyValue>) {
        let memory = empty();
        backup.sort_by_key(|kv| kv.mod_revision);
        for kv in backup {
            memory.put(Put::new(kv.key, kv.value)).await.unwrap();
        }
        *self.memory.lock().unwrap() = memory;
    }

    pub fn next(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        self.mishaps.lock().unwrap().extend(mishaps);
    }

    pub fn swallow_events(&self, count: usize) {
        *self.swallow.lock().unwrap() = count;
    }

    pub fn set_space(&self, space: Space) {
        *self.space.lock().unwrap() = Some(space);
    }

    /// Holds the answers of reads until the guard is dropped.
    pub async fn hold_answers(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.answers).write_owned().await
    }

    /// All commits, in order.
    pub async fn log(&self) -> Vec<Commit> {
        let range = RangeRequest::new(keys().commits());
        let found = self.memory().range(range).await.unwrap();
        found.kvs.iter().map(|kv| decode(&kv.key, &kv.value).unwrap()).collect()
    }
}

fn empty() -> Memory {
    Memory::with_history(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)))
}

#[async_trait]
impl Coordination for Flaky {
    async fn range(&self, request: RangeRequest) -> CoordResult<RangeResponse> {
        let found = self.memory().range(request).await;
        let _passed = self.answers.read().await;
        found
    }

    async fn txn(&self, txn: Txn) -> CoordResult<TxnResponse> {
        let writes = txn.then.iter().any(|op| matches!(op, Op::Put(_)));
        let mishap = if writes { self.mishaps.lock().unwrap().pop_front() } else { None };
        let reason = || "as the test asked".to_owned();
        match mishap.unwrap_or(Mishap::Pass) {
            Mishap::Pass => self.memory().txn(txn).await,
            Mishap::Refuse => Err(Error::Unavailable { reason: reason() }),
            Mishap::NoSpace => Err(Error::NoSpace { reason: reason() }),
            Mishap::TakeLastSpace => {
                self.memory().txn(txn).await?;
                Err(Error::AnswerLost { reason: reason() })
            }
            Mishap::LoseRequest => Err(Error::Unknown { reason: reason() }),
            Mishap::LoseAnswer => {
                self.memory().txn(txn).await?;
                Err(Error::Unknown { reason: reason() })
            }
        }
    }

    async fn watch(&self, request: WatchRequest) -> CoordResult<WatchStream> {
        let inner = self.memory().watch(request).await?;
        let swallow = Arc::clone(&self.swallow);
        let filtered = inner.map(move |batch| {
            let mut batch = batch?;
            let mut left = swallow.lock().unwrap();
            batch.events.retain(|_| {
                let swallowed = *left > 0;
                *left = left.saturating_sub(1);
                !swallowed
            });
            Ok(batch)
        });
        Ok(filtered.boxed())
    }

    async fn lease_grant(&self, ttl: Duration) -> CoordResult<Lease> {
        self.memory().lease_grant(ttl).await
    }

    async fn lease_keep_alive(&self, id: LeaseId) -> CoordResult<Duration> {
        self.memory().lease_keep_alive(id).await
    }

    async fn lease_revoke(&self, id: LeaseId) -> CoordResult<()> {
        self.memory().lease_revoke(id).await
    }

    async fn compact(&self, revision: Revision) -> CoordResult<()> {
        self.memory().compact(revision).await
    }

    async fn space(&self) -> CoordResult<Option<Space>> {
        Ok(*self.space.lock().unwrap())
    }

    async fn reclaim(&self) -> CoordResult<()> {
        if let Some(space) = &mut *self.space.lock().unwrap() {
            (space.file_bytes, space.is_full) = (space.used_bytes, false);
        }
        Ok(())
    }
}

pub fn keys() -> Keys {
    Keys::new("test", SCHEMA.service)
}

/// Follows the runtime's time, which a test may pause.
struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn wall(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The stores that instances share.
pub struct World {
    pub coord: Flaky,
    pub objects: Arc<InMemory>,
    /// Whether instances that start wait for objects without an answer.
    pub objects_out: bool,
    /// Objects as the instance reaches them that was started last.
    reached: Option<Arc<ThrottledStore<Arc<InMemory>>>>,
    pub settings: StoreSettings,
    scratch: TempDir,
    seed: u64,
}

/// One instance; dropping it kills it.
pub struct Instance {
    pub store: Store,
    pub mode: ModeCell,
    loops: JoinHandle<()>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.loops.abort();
    }
}

impl World {
    pub fn new() -> World {
        World {
            coord: Flaky::new(),
            objects: Arc::new(InMemory::new()),
            objects_out: false,
            reached: None,
            settings: StoreSettings::default(),
            scratch: TempDir::new().unwrap(),
            seed: 0,
        }
    }

    /// A new instance, loaded.
    pub async fn start(&mut self) -> Instance {
        let (store, loops, mode) = self.parts();
        let (found, _) = self.coord.get(keys().mode()).await.unwrap();
        mode.observe(SeenMode::decode(found.as_ref()).unwrap());
        let loops = tokio::spawn(loops.run(CancellationToken::new()));
        let ready = async {
            store.applied().wait_for(|applied| applied.phase == Phase::Ready).await.map(drop)
        };
        tokio::time::timeout(Duration::from_secs(60), ready).await.unwrap().unwrap();
        Instance { store, mode, loops }
    }

    /// A new instance whose loops do not run yet.
    pub fn parts(&mut self) -> (Store, Loops, ModeCell) {
        self.seed += 1;
        let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
        let mode = ModeCell::default();
        let (store, loops) = Store::new(StoreParts {
            cluster: "test".to_owned(),
            schema: &SCHEMA,
            env: Env::new(clock, RngTree::from_seed(self.seed)),
            coord: Arc::new(self.coord.clone()),
            objects: self.reached(),
            settings: self.settings.clone(),
            execution: Execution::Inline,
            scratch: self.scratch.path().to_owned(),
            mode: mode.clone(),
            key_check: Arc::new(crate::read_model::Unchecked),
        });
        (store, loops, mode)
    }

    fn reached(&mut self) -> Arc<dyn object_store::ObjectStore> {
        let objects = Arc::clone(&self.objects);
        let reached = Arc::new(ThrottledStore::new(objects, throttled(self.objects_out)));
        self.reached = Some(Arc::clone(&reached));
        reached
    }

    /// Whether the instance that was started last waits for objects without an answer.
    pub fn set_objects_out_for_the_last(&self, out: bool) {
        self.reached.as_ref().unwrap().config_mut(|config| *config = throttled(out));
    }

    /// The file of the only read model there is.
    pub fn model(&self) -> PathBuf {
        let mut models = std::fs::read_dir(self.scratch.path()).unwrap();
        let only = models.next().unwrap().unwrap().path();
        assert!(models.next().is_none(), "several instances");
        only.join("model.sqlite")
    }

    /// The names of all data objects.
    pub async fn data_keys(&self) -> Vec<Path> {
        self.listed("test/toy/data").await
    }

    pub async fn newest_manifest(&self) -> Path {
        let all = self.listed("test/toy/lineages").await;
        let manifests = all.into_iter().filter(|key| key.as_ref().contains("/checkpoints/"));
        manifests.max_by_key(|key| key.filename().map(str::to_owned)).unwrap()
    }

    /// The segment that an archiver would store for some commits of the log: its name and bytes.
    pub async fn log_as_segment(&self, first: u64, last: u64) -> (Path, bytes::Bytes) {
        let commits = self.coord.log().await;
        let wanted = |commit: &Commit| (first..=last).contains(&commit.position);
        let commits: Vec<Commit> = commits.into_iter().filter(wanted).collect();
        let segment = Segment { lineage: commits[0].lineage, commits };
        let key = ObjectKeys::new("test", SCHEMA.service)
            .segment(segment.lineage, segment.span(Ballot::NONE).unwrap());
        (key, segment.encode())
    }

    pub async fn listed(&self, prefix: &str) -> Vec<Path> {
        let found = self.objects.list(Some(&Path::from(prefix)));
        let found = found.map(|meta| meta.unwrap().location).collect::<Vec<_>>().await;
        found.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Sets the mode as the maintenance API does; instances do not see it by themselves here.
    pub async fn switch_mode(&self, mode: Mode, generation: u64) {
        let record = ModeRecord {
            mode,
            generation,
            since: Timestamp::UNIX_EPOCH,
            requested_by: "test".to_owned(),
            reason: None,
        };
        self.coord.memory().put(Put::new(keys().mode(), encode(&record))).await.unwrap();
    }
}

fn throttled(out: bool) -> ThrottleConfig {
    if !out {
        return ThrottleConfig::default();
    }
    let never = Duration::from_secs(1 << 30);
    ThrottleConfig {
        wait_delete_per_call: never,
        wait_get_per_call: never,
        wait_list_per_call: never,
        wait_list_with_delimiter_per_call: never,
        wait_put_per_call: never,
        ..ThrottleConfig::default()
    }
}

pub fn soon() -> Context {
    Context::background().timeout(Duration::from_secs(30))
}

impl Instance {
    pub async fn add(&self, name: &str) -> Result<Uuid, BoxError> {
        let name = name.to_owned();
        self.store
            .transact(&soon(), move |tx| {
                let id = tx.new_id();
                tx.put("item", id, &Item { id, name: name.clone() })?;
                Ok(id)
            })
            .await
    }

    pub async fn names(&self, reads: Reads) -> Vec<String> {
        self.store
            .read(&soon(), reads, |tx| {
                Ok(tx.query("SELECT name FROM item ORDER BY name", [], |row| row.get(0))?)
            })
            .await
            .unwrap()
    }

    pub async fn export(&self) -> Vec<u8> {
        let (_, stream) = self.store.export(&soon()).await.unwrap();
        stream.map(|chunk| chunk.unwrap().to_vec()).concat().await
    }
}
