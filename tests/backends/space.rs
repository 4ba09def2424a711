//! I18 on a real etcd: what it takes up is bounded, whatever the number of writes ever made.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use drydock_backends::etcd::EtcdSettings;
use drydock_backends::testing::{self, EtcdServers};
use drydock_core::context::Context;
use drydock_core::coord::{Coordination, Space};
use drydock_core::db::Execution;
use drydock_core::env::Env;
use drydock_core::error::{Code, first_api_error};
use drydock_core::maintenance::{ModeCell, SeenMode};
use drydock_core::read_model::{Blobs, Leftovers, ObjectType, Schema};
use drydock_core::store::{Phase, Store, StoreParts, StoreSettings};
use drydock_core::tasks::{self, compact};
use object_store::memory::InMemory;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const QUOTA_BYTES: u64 = 32 << 20;
const WRITES: u64 = 300_000;
const WRITERS: u64 = 256;
const LOOK_EVERY: Duration = Duration::from_millis(200);

static SCHEMA: Schema = Schema {
    service: "toy",
    version: 1,
    steps: &[],
    types: &[ObjectType {
        name: "item",
        since: 1,
        table: "CREATE TABLE item (id TEXT PRIMARY KEY, data TEXT NOT NULL) STRICT;",
        check: |_| Ok(()),
        encrypted: |_| None,
    }],
    leftovers: Leftovers::NONE,
    counters: None,
    blobs: Blobs::NONE,
};

/// A store and its tasks, with the settings that everybody has.
async fn start(
    coord: Arc<dyn Coordination>,
    scratch: &TempDir,
    stop: &CancellationToken,
) -> (Store, Vec<tokio::task::JoinHandle<()>>) {
    let mode = ModeCell::default();
    mode.observe(SeenMode::NEVER_SWITCHED);
    let (store, loops) = Store::new(StoreParts {
        cluster: "test".to_owned(),
        schema: &SCHEMA,
        env: Env::system(),
        coord,
        objects: Arc::new(InMemory::new()),
        settings: StoreSettings::default(),
        execution: Execution::Threads { readers: 1 },
        scratch: scratch.path().to_owned(),
        mode,
        key_check: Arc::new(drydock_core::read_model::Unchecked),
    });
    let running = vec![
        tokio::spawn(loops.run(stop.clone())),
        tokio::spawn(tasks::run(store.clone(), "test".to_owned(), stop.clone())),
        tokio::spawn(compact::follow_space(store.clone(), stop.clone())),
    ];
    store.phase().wait_for(|phase| *phase == Phase::Ready).await.expect("the store runs");
    (store, running)
}

/// Writes until the whole number is acknowledged; answers how often it was refused for want of
/// space.
async fn write(store: Store, acknowledged: Arc<AtomicU64>, number: u64) -> u64 {
    let (id, mut refused) = (format!("00000000-0000-7000-8000-{number:012}"), 0);
    while acknowledged.load(Ordering::Relaxed) < WRITES {
        let value = serde_json::json!({ "id": id, "text": "x".repeat(200) });
        let soon = Context::background().timeout(Duration::from_secs(30));
        let text = id.clone();
        let written =
            store.transact(&soon, move |tx| Ok(tx.put("item", text.parse()?, &value)?)).await;
        match written {
            Ok(()) => drop(acknowledged.fetch_add(1, Ordering::Relaxed)),
            Err(error) => {
                let api = first_api_error(error.as_ref()).expect("an error for clients");
                assert_eq!(api.code(), Code::CoordinationFull.as_str(), "{error}");
                refused += 1;
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs real servers: `.ci/test` brings them"]
async fn three_hundred_thousand_writes_fit_an_etcd_of_32_mib() {
    let program = testing::program(testing::ETCD);
    let settings = EtcdSettings { quota_bytes: QUOTA_BYTES, ..EtcdSettings::new(Vec::new()) };
    let servers = EtcdServers::start_with(&program, 1, None, settings).await;
    let (etcd, scratch) = (servers.store(), TempDir::new().unwrap());
    let stop = CancellationToken::new();
    let (store, running) = start(Arc::new(etcd.clone()), &scratch, &stop).await;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let writers = (0..WRITERS)
        .map(|number| tokio::spawn(write(store.clone(), Arc::clone(&acknowledged), number)));
    let writers: Vec<_> = writers.collect();
    let mut greatest = Space::default();
    while acknowledged.load(Ordering::Relaxed) < WRITES {
        let space = etcd.space().await.unwrap().unwrap();
        assert!(!space.is_full, "{space:?} after {acknowledged:?} writes");
        greatest.used_bytes = greatest.used_bytes.max(space.used_bytes);
        greatest.file_bytes = greatest.file_bytes.max(space.file_bytes);
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let mut refused = 0;
    for writer in writers {
        refused += writer.await.unwrap();
    }
    let counted = store.stats().list();
    eprintln!("at most {greatest:?}, {refused} writes refused, {counted:?}");
    assert!(refused < WRITES / 100, "{refused} writes refused");
    stop.cancel();
    for task in running {
        task.await.unwrap();
    }
}
