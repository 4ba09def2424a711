//! A small world for the unit tests of store and archive: one coordination store that can
//! misbehave, one object store, any number of instances, a schema of two types.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::context::Context;
use crate::coord::{CoordinationExt, Put};
use crate::db::Execution;
use crate::env::{Clock, Env, RngTree};
use crate::error::BoxError;
use crate::log::ballot::Ballot;
use crate::log::format::{Commit, Mode, ModeRecord, encode};
use crate::log::keys::{Keys, ObjectKeys};
use crate::log::segment::Segment;
use crate::maintenance::{ModeCell, SeenMode};
use crate::read_model::{Blobs, Leftovers, ObjectType, Schema, SchemaStep, TypeStep};
use crate::store::{Loops, Phase, Reads, Store, StoreParts, StoreSettings};

mod flaky;

pub use flaky::{Flaky, Mishap};

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
    steps: &[],
    types: &[
        ObjectType {
            name: "item",
            since: 1,
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
            since: 1,
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
    leftovers: Leftovers::NONE,
    counters: None,
    blobs: Blobs::NONE,
};

/// An item of the next version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColouredItem {
    pub id: Uuid,
    pub name: String,
    pub colour: String,
}

/// A type that the next version adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    pub id: Uuid,
}

/// [`SCHEMA`] one version later: items have a colour, and there is one more type.
pub static NEXT: Schema = Schema {
    service: "toy",
    version: 2,
    steps: &[SchemaStep {
        version: 2,
        types: &[TypeStep {
            name: "item",
            up: |item| {
                item.insert("colour".to_owned(), "grey".into());
                Ok(())
            },
            down: |item| {
                item.remove("colour");
                Ok(())
            },
        }],
    }],
    types: &[
        ObjectType {
            name: "item",
            since: 1,
            table: "CREATE TABLE item (
                id TEXT PRIMARY KEY,
                data TEXT NOT NULL,
                name TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.name') STORED UNIQUE,
                CHECK (data ->> '$.colour' IS NOT NULL)
            ) STRICT;",
            check: check::<ColouredItem>,
            encrypted: |_| None,
        },
        ObjectType {
            name: "part",
            since: 1,
            table: "CREATE TABLE part (
                id TEXT PRIMARY KEY,
                data TEXT NOT NULL,
                item TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.item') STORED
                    REFERENCES item (id)
            ) STRICT;",
            check: check::<Part>,
            encrypted: |_| None,
        },
        ObjectType {
            name: "tag",
            since: 2,
            table: "CREATE TABLE tag (id TEXT PRIMARY KEY, data TEXT NOT NULL) STRICT;",
            check: check::<Tag>,
            encrypted: |_| None,
        },
    ],
    leftovers: Leftovers::NONE,
    counters: None,
    blobs: Blobs::NONE,
};

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
    /// The schema of instances that start.
    pub schema: &'static Schema,
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
            schema: &SCHEMA,
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
            schema: self.schema,
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
