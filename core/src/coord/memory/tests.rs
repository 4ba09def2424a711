//! The conformance suite over [`Memory`], and tests of its own features.

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;

use super::*;
use crate::coord::conformance::Subject;
use crate::coord::{CoordinationExt, Op, Put};
use crate::env::ManualClock;

struct InMemory {
    memory: Memory,
    clock: Arc<ManualClock>,
}

fn new() -> InMemory {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let memory = Memory::with_history(Arc::clone(&clock) as Arc<dyn Clock>);
    InMemory { memory, clock }
}

#[async_trait]
impl Subject for InMemory {
    fn store(&self) -> &dyn Coordination {
        &self.memory
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

crate::coordination_conformance! { async { new() } }

async fn leased(subject: &InMemory, ttl: Duration) -> Lease {
    let lease = subject.memory.lease_grant(ttl).await.unwrap();
    let put = Put::new("a", "x").lease(lease.id);
    subject.memory.put(put).await.unwrap();
    lease
}

#[tokio::test]
async fn a_lease_ends_at_its_deadline_and_not_before() {
    let subject = new();
    let ttl = Duration::from_secs(10);
    leased(&subject, ttl).await;
    subject.clock.advance(ttl - Duration::from_nanos(1));
    assert_eq!(subject.memory.expire_leases(), 0);
    subject.clock.advance(Duration::from_nanos(1));
    assert_eq!(subject.memory.expire_leases(), 1);
    assert_eq!(subject.memory.dump(), (3, vec![]));
}

#[tokio::test]
async fn a_tick_wakes_the_watchers_of_expired_keys() {
    let subject = new();
    let lease = leased(&subject, Duration::from_secs(10)).await;
    let request = WatchRequest::new(KeyRange::prefix(""));
    let mut watch = subject.memory.watch(request).await.unwrap();
    assert!(watch.next().now_or_never().is_none());
    subject.clock.advance(lease.ttl);
    subject.memory.expire_leases();
    let batch = watch.next().now_or_never().expect("at once").unwrap().unwrap();
    assert_eq!((batch.revision, batch.events.len()), (3, 1));
}

#[tokio::test]
async fn a_watcher_on_another_runtime_is_woken() {
    let subject = new();
    let memory = subject.memory.clone();
    let watch = memory.watch(WatchRequest::new(KeyRange::prefix("")));
    let mut watch = watch.await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a second runtime needs a second thread")]
    let other = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let woken = async { tokio::time::timeout(Duration::from_secs(20), watch.next()).await };
        runtime.unwrap().block_on(woken).expect("woken in time")
    });
    subject.memory.put(Put::new("a", "x")).await.unwrap();
    let batch = other.join().unwrap().unwrap().unwrap();
    assert_eq!(batch.revision, 2);
}

#[tokio::test]
async fn a_store_in_place_of_another_gives_out_other_leases() {
    let subject = new();
    let first = subject.memory.lease_grant(Duration::ZERO).await.unwrap();
    subject.clock.advance(Duration::from_millis(1));
    let second = Memory::new(Arc::clone(&subject.clock) as Arc<dyn Clock>);
    let kept = second.lease_grant(Duration::ZERO).await.unwrap();
    assert_ne!(first.id, kept.id);
    assert!(second.lease_keep_alive(first.id).await.is_err());
}

#[tokio::test]
async fn history_outlives_compaction() {
    let subject = new();
    for value in ["1", "2", "3"] {
        subject.memory.put(Put::new("a", value)).await.unwrap();
    }
    let delete = Txn::default().then(Op::delete(KeyRange::single("a")));
    subject.memory.txn(delete).await.unwrap();
    subject.memory.compact(5).await.unwrap();
    let history = subject.memory.history();
    let revisions = history.iter().map(|event| event.kv.mod_revision);
    assert_eq!(revisions.collect::<Vec<_>>(), [2, 3, 4, 5]);
}

#[tokio::test]
async fn a_watcher_that_a_compaction_overtakes_ends_with_an_error() {
    let subject = new();
    let request = WatchRequest::new(KeyRange::prefix(""));
    let mut watch = subject.memory.watch(request).await.unwrap();
    for value in ["1", "2", "3"] {
        subject.memory.put(Put::new("a", value)).await.unwrap();
    }
    subject.memory.compact(4).await.unwrap();
    let error = watch.next().await.unwrap().unwrap_err();
    assert!(matches!(error, super::super::Error::Compacted { oldest: 4 }));
    assert!(watch.next().await.is_none());
}
