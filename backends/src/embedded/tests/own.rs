//! Tests beyond the conformance suite: files, processes, threads, failures.

use drydock_core::coord::{CoordinationExt, Error, Op, Outcome, Put, Txn, WatchRequest};
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};

use super::disk::TestDisk;
use super::*;
use crate::embedded::OpenError;
use crate::embedded::disk::{Disk, DiskError};
use crate::embedded::place::{LEAST_FREE, Place, Room, space};
use crate::embedded::store::At;
use drydock_core::coord::mvcc::Saved;

fn on(disk: &TestDisk, clock: &Arc<ManualClock>, execution: Execution) -> Embedded {
    let opened = Embedded::open_with_backend(disk.clone(), "disk", shared(clock), execution);
    opened.unwrap()
}

#[tokio::test]
async fn a_copy_of_the_file_holds_every_answered_write() {
    let clock = clock();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/deep/coordination");
    let store = Embedded::open(&path, shared(&clock), THREAD).unwrap();
    for n in 0..20 {
        let put = Put::new(format!("{n:02}"), n.to_string());
        store.put(put).await.unwrap();
        // As a killed process leaves it: nothing closed, nothing flushed.
        let copy = dir.path().join(format!("copy{n}"));
        std::fs::copy(&path, &copy).unwrap();
        let copy = Embedded::open(&copy, shared(&clock), THREAD).unwrap();
        assert_eq!(dump(&copy).await, dump(&store).await);
    }
    let before = dump(&store).await;
    drop(store);
    let again = Embedded::open(&path, shared(&clock), THREAD).unwrap();
    assert_eq!(dump(&again).await, before);
}

#[tokio::test]
async fn a_second_opener_is_refused_with_the_holder() {
    let clock = clock();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coordination");
    let first = Embedded::open(&path, shared(&clock), THREAD).unwrap();
    let refused = Embedded::open(&path, shared(&clock), THREAD);
    let message = refused.err().expect("a refusal").to_string();
    let pid = std::process::id();
    let expected = format!("`{}` is in use by process `{pid}`", path.display());
    assert_eq!(message, expected);
    drop(first);
    Embedded::open(&path, shared(&clock), THREAD).unwrap();
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coordination");
    std::fs::write(&path, "not a store").unwrap();
    let refused = Embedded::open(&path, shared(&clock()), THREAD).err();
    let refused = refused.expect("a refusal");
    assert!(matches!(refused, OpenError::Unreadable { .. }), "{refused:?}");
    assert!(refused.to_string().contains(path.to_str().unwrap()));
    assert_eq!(std::fs::read(&path).unwrap(), b"not a store");

    let refused = Embedded::open(dir.path(), shared(&clock()), THREAD).err();
    assert!(matches!(refused, Some(OpenError::Io { .. })), "{refused:?}");
}

#[tokio::test]
async fn leases_survive_a_restart_and_start_anew() {
    let (clock, disk) = (clock(), TestDisk::default());
    let store = on(&disk, &clock, Execution::Inline);
    let ttl = Duration::from_secs(10);
    let lease = store.lease_grant(ttl).await.unwrap();
    store.put(Put::new("a", "x").lease(lease.id)).await.unwrap();
    clock.advance(ttl * 3 / 4);
    drop(store);
    let store = on(&disk, &clock, Execution::Inline);
    clock.advance(ttl * 3 / 4);
    store.expire_leases().await.unwrap();
    assert_eq!(dump(&store).await.1.len(), 1);
    clock.advance(ttl / 4);
    store.expire_leases().await.unwrap();
    assert_eq!(dump(&store).await.1.len(), 0);
    let next = store.lease_grant(ttl).await.unwrap();
    assert_ne!(next.id, lease.id);
}

#[tokio::test]
async fn a_watch_from_before_a_restart_catches_up() {
    let (clock, disk) = (clock(), TestDisk::default());
    let store = on(&disk, &clock, Execution::Inline);
    let first = store.put(Put::new("a", "1")).await.unwrap();
    let txn = Txn::default()
        .then(Op::put("z", "2"))
        .then(Op::delete(KeyRange::single("a")))
        .then(Op::put("b", "3"));
    store.txn(txn).await.unwrap();
    let request = WatchRequest::new(KeyRange::prefix("")).from(first).prev_kv();
    let before = {
        let mut stream = store.watch(request.clone()).await.unwrap();
        stream.next().await.unwrap().unwrap()
    };
    assert_eq!(before.events.len(), 4);
    drop(store);
    let store = on(&disk, &clock, Execution::Inline);
    let mut stream = store.watch(request).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), before);
}

#[tokio::test]
async fn closing_ends_the_watches() {
    let (clock, disk) = (clock(), TestDisk::default());
    let store = on(&disk, &clock, THREAD);
    let request = WatchRequest::new(KeyRange::prefix(""));
    let mut watch = store.watch(request).await.unwrap();
    drop(store);
    let last = watch.next().await.unwrap();
    assert!(matches!(last, Err(Error::Unavailable { .. })), "{last:?}");
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_failed_write_is_of_unknown_outcome_and_the_last() {
    for execution in [THREAD, Execution::Inline] {
        let (clock, disk) = (clock(), TestDisk::default());
        let store = on(&disk, &clock, execution);
        store.put(Put::new("a", "1")).await.unwrap();
        let request = WatchRequest::new(KeyRange::prefix(""));
        let mut watch = store.watch(request).await.unwrap();
        disk.stop_after(0);
        let error = store.put(Put::new("a", "2")).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        let error = store.put(Put::new("a", "3")).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotApplied, "{error}");
        assert!(error.is_transient() && store.get("a").await.is_err());
        let last = watch.next().await.unwrap();
        assert!(matches!(last, Err(Error::Unavailable { .. })), "{last:?}");
    }
}

/// A disk whose tables can be opened again.
struct Again(TestDisk);

impl Place for Again {
    fn open(&mut self) -> Result<(Disk, Option<Saved>), DiskError> {
        Disk::open(self.0.clone())
    }
}

fn again_on(disk: &TestDisk, room: Room) -> At {
    At { place: Box::new(Again(disk.clone())), room, name: "disk".to_owned(), lock: None }
}

#[tokio::test]
async fn a_change_is_refused_at_once_while_there_is_no_room() {
    let (clock, disk) = (clock(), TestDisk::default());
    let measured = disk.clone();
    let room = move || Some(space(1000, if measured.is_full() { 0 } else { LEAST_FREE }));
    let at = again_on(&disk, Arc::new(room));
    let store = Embedded::start(at, shared(&clock), THREAD).unwrap();
    let lease = store.lease_grant(Duration::from_secs(10)).await.unwrap();
    let first = store.put(Put::new("a", "1")).await.unwrap();
    let mut watch = store.watch(WatchRequest::new(KeyRange::prefix(""))).await.unwrap();
    disk.set_full(true);
    let error = store.put(Put::new("a", "2")).await.unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert!(store.space().await.unwrap().unwrap().is_full);
    // What changes nothing on disk goes on.
    assert_eq!(store.get("a").await.unwrap().1, first);
    store.lease_keep_alive(lease.id).await.unwrap();
    disk.set_full(false);
    assert_eq!(store.put(Put::new("a", "3")).await.unwrap(), first + 1);
    assert_eq!(watch.next().await.unwrap().unwrap().revision, first + 1);
}

#[tokio::test]
async fn a_store_whose_disk_was_full_goes_on_by_itself() {
    for execution in [THREAD, Execution::Inline] {
        let (clock, disk) = (clock(), TestDisk::default());
        let at = again_on(&disk, Arc::new(|| None));
        let store = Embedded::start(at, shared(&clock), execution).unwrap();
        let first = store.put(Put::new("a", "1")).await.unwrap();
        disk.set_full(true);
        let error = store.put(Put::new("a", "2")).await.unwrap_err();
        assert!(error.outcome() != Outcome::Applied, "{error}");
        disk.set_full(false);
        let again = async || {
            // Inline, whoever expires leases opens it again.
            let _ = store.expire_leases().await;
            store.get("a").await
        };
        let found = tokio::time::timeout(IN_TIME, async {
            loop {
                tokio::task::yield_now().await;
                if let Ok(found) = again().await {
                    return found;
                }
            }
        });
        let (found, revision) = found.await.expect("it is opened again in time");
        assert_eq!((found.unwrap().value.as_ref(), revision), (&b"1"[..], first));
        assert_eq!(store.put(Put::new("a", "3")).await.unwrap(), first + 1);
        drop(store);
        let store = on(&disk, &clock, execution);
        assert_eq!(store.get("a").await.unwrap().0.unwrap().value.as_ref(), b"3");
    }
}

#[tokio::test]
async fn waiting_transactions_share_a_write() {
    const WRITERS: usize = 100;
    let (clock, disk) = (clock(), TestDisk::default());
    let store = on(&disk, &clock, THREAD);
    let start = disk.syncs();
    store.put(Put::new("first", "x")).await.unwrap();
    let one = disk.syncs() - start;
    let puts = (0..WRITERS).map(|n| store.put(Put::new(n.to_string(), "x")));
    let mut puts = join_all(puts);
    let shut = disk.shut();
    assert!((&mut puts).now_or_never().is_none());
    disk.until_a_sync_waits();
    drop(shut);
    let revisions = puts.await.into_iter().map(Result::unwrap);
    assert!(revisions.is_sorted_by(|one, next| one < next), "each has its own");
    // The first alone, then the ones that came while it was written.
    let syncs = disk.syncs() - start - one;
    assert!(syncs <= 2 * one, "`{syncs}` syncs, one write takes `{one}`");
}

#[tokio::test]
async fn nothing_is_seen_before_it_is_on_disk() {
    let (clock, disk) = (clock(), TestDisk::default());
    let store = on(&disk, &clock, THREAD);
    let request = WatchRequest::new(KeyRange::prefix(""));
    let mut watch = store.watch(request).await.unwrap();
    let mut put = store.put(Put::new("a", "x")).boxed();
    let shut = disk.shut();
    assert!((&mut put).now_or_never().is_none());
    disk.until_a_sync_waits();
    assert!(watch.next().now_or_never().is_none());
    let seen = dump(&store).now_or_never();
    assert_eq!(seen, Some((1, vec![])));
    drop(shut);
    assert_eq!(put.await.unwrap(), 2);
    assert_eq!(watch.next().await.unwrap().unwrap().revision, 2);
}

#[tokio::test]
async fn a_thread_removes_leases_by_itself() {
    let (clock, disk) = (clock(), TestDisk::default());
    let store = on(&disk, &clock, THREAD);
    let lease = store.lease_grant(Duration::from_secs(2)).await.unwrap();
    store.put(Put::new("a", "x").lease(lease.id)).await.unwrap();
    let request = WatchRequest::new(KeyRange::prefix(""));
    let mut watch = store.watch(request).await.unwrap();
    clock.advance(lease.ttl);
    let batch = tokio::time::timeout(IN_TIME, watch.next()).await;
    let batch = batch.expect("in time").unwrap().unwrap();
    assert_eq!(batch.events.len(), 1);
}

#[tokio::test]
async fn history_is_bounded_in_bytes_and_on_disk() {
    // 32 MiB make a generation. The file has grown to its size after a few of them.
    const PUTS: Revision = 2400;
    const VALUE: usize = 100 << 10;
    const GENERATION: Revision = 327;
    let (clock, disk) = (clock(), TestDisk::default());
    let store = on(&disk, &clock, Execution::Inline);
    let mut half = 0;
    for n in 0..PUTS {
        let put = Put::new(format!("{}", n % 3), vec![7; VALUE]);
        store.put(put).await.unwrap();
        if n == PUTS / 2 {
            half = redb::StorageBackend::len(&disk).unwrap();
        }
    }
    let newest = dump(&store).await.0;
    let at = async |back| {
        let request = RangeRequest::new(KeyRange::single("0")).at(newest - back);
        store.range(request).await
    };
    at(GENERATION).await.expect("a generation is kept");
    let error = at(2 * GENERATION + 1).await.unwrap_err();
    assert!(matches!(error, Error::Compacted { .. }), "{error}");
    let full = redb::StorageBackend::len(&disk).unwrap();
    assert_eq!(full, half, "the file grows");
    let before = dump(&store).await;
    drop(store);
    assert_eq!(dump(&on(&disk, &clock, Execution::Inline)).await, before);
}
