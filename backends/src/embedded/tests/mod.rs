//! The conformance suite over [`Embedded`], and tests of restarts, crashes and the process lock.

mod crash;
mod disk;
mod own;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::coord::conformance::Subject;
use drydock_core::coord::{Coordination, KeyRange, KeyValue, RangeRequest, Revision};
use drydock_core::db::Execution;
use drydock_core::env::{Clock, Env, ManualClock};
use redb::backends::InMemoryBackend;
use tempfile::TempDir;

use super::Embedded;

const THREAD: Execution = Execution::Threads { readers: 1 };
/// How long a test waits for an event that must come.
const IN_TIME: Duration = Duration::from_secs(10);

struct UnderTest {
    store: Embedded,
    clock: Arc<ManualClock>,
    _dir: Option<TempDir>,
}

#[async_trait]
impl Subject for UnderTest {
    fn store(&self) -> &dyn Coordination {
        &self.store
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.store.expire_leases().await.expect("a batch");
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Env::system().now()))
}

fn shared(clock: &Arc<ManualClock>) -> Arc<dyn Clock> {
    Arc::clone(clock) as Arc<dyn Clock>
}

/// All keys, and the present revision.
async fn dump(store: &dyn Coordination) -> (Revision, Vec<KeyValue>) {
    let all = RangeRequest::new(KeyRange::prefix(""));
    let found = store.range(all).await.expect("a range");
    (found.revision, found.kvs)
}

mod on_a_thread {
    use super::*;

    fn new() -> UnderTest {
        let clock = clock();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("coordination");
        let store = Embedded::open(&path, shared(&clock), THREAD).unwrap();
        UnderTest { store, clock, _dir: Some(dir) }
    }

    drydock_core::coordination_conformance! { async { new() } }
}

mod inline {
    use super::*;

    fn new() -> UnderTest {
        let clock = clock();
        let backend = InMemoryBackend::new();
        let opened =
            Embedded::open_with_backend(backend, "memory", shared(&clock), Execution::Inline);
        UnderTest { store: opened.unwrap(), clock, _dir: None }
    }

    drydock_core::coordination_conformance! { async { new() } }
}
