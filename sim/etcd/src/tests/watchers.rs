//! What watchers are told, without any transport.

use std::collections::BTreeSet;
use std::time::Duration;

use etcd_client::proto::{
    PbCompactionRequest, PbDeleteRequest, PbPutRequest, PbTxnOpRequest, PbTxnRequest,
    PbTxnRequestOp, PbWatchResponse,
};

use super::harness::config;
use crate::machine::Limits;
use crate::watchers::{Create, NO_WATCHER, Watchers};
use crate::{Bug, Cluster, Config};

fn cluster(bugs: impl Into<BTreeSet<Bug>>) -> Cluster {
    Cluster::new(Config { watch_buffer: 2, watch_batch: 3, bugs: bugs.into(), ..config(1) })
}

fn put(cluster: &mut Cluster, key: &str) {
    let put = PbPutRequest { key: key.into(), ..Default::default() };
    cluster.put(0, &put).unwrap();
}

fn compact(cluster: &mut Cluster, revision: i64) {
    cluster.compact(&PbCompactionRequest { revision, physical: false }).unwrap();
}

/// Of all keys.
fn from(start_revision: i64) -> Create {
    Create { key: vec![0], range_end: vec![0], start_revision, ..Create::default() }
}

fn created(asked: Create, cluster: &Cluster) -> Watchers {
    let mut watchers = Watchers::default();
    watchers.create(asked, cluster, 0);
    let answer = watchers.next(cluster, 0).unwrap();
    assert!(answer.created && !answer.canceled, "{answer:?}");
    watchers
}

fn told(watchers: &mut Watchers, cluster: &Cluster) -> Vec<PbWatchResponse> {
    std::iter::from_fn(|| watchers.next(cluster, 0)).collect()
}

/// The revisions of each response.
fn revisions(responses: &[PbWatchResponse]) -> Vec<Vec<i64>> {
    let revisions = |response: &PbWatchResponse| {
        response.events.iter().map(|event| event.kv.as_ref().unwrap().mod_revision).collect()
    };
    responses.iter().map(revisions).collect()
}

#[test]
fn who_keeps_up_gets_a_response_for_each_revision() {
    let mut cluster = cluster([]);
    let mut watchers = created(from(0), &cluster);
    put(&mut cluster, "a");
    put(&mut cluster, "b");
    assert_eq!(revisions(&told(&mut watchers, &cluster)), [[2], [3]]);
    assert_eq!(told(&mut watchers, &cluster), []);
}

#[test]
fn who_is_behind_gets_many_revisions_at_once() {
    let mut cluster = cluster([]);
    let mut watchers = created(from(0), &cluster);
    for _ in 0..5 {
        put(&mut cluster, "a");
    }
    let responses = told(&mut watchers, &cluster);
    assert_eq!(revisions(&responses), [vec![2, 3, 4], vec![5, 6]]);
    assert!(responses.iter().all(|response| response.header.unwrap().revision == 6));
}

#[test]
fn a_revision_is_never_split_unless_fragments_are_allowed() {
    let value = vec![0; 300 * 1024];
    let put = |key: &str| {
        let put = PbPutRequest { key: key.into(), value: value.clone(), ..Default::default() };
        PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestPut(put)) }
    };
    let txn = PbTxnRequest { success: vec![put("a"), put("b"), put("c")], ..Default::default() };
    let limits = Limits { request_bytes: 100 * 1024, ..Limits::default() };
    let mut cluster = Cluster::new(Config { limits, ..config(1) });
    let mut whole = created(from(0), &cluster);
    let mut pieces = created(Create { fragment: true, ..from(0) }, &cluster);
    cluster.txn(0, &txn).unwrap();
    assert_eq!(revisions(&told(&mut whole, &cluster)), [[2, 2, 2]]);
    let pieces = told(&mut pieces, &cluster);
    assert_eq!(revisions(&pieces), [vec![2, 2], vec![2]]);
    let marks: Vec<bool> = pieces.iter().map(|piece| piece.fragment).collect();
    assert_eq!(marks, [true, false]);
}

#[test]
fn a_watch_from_below_the_compaction_is_cancelled_with_its_revision() {
    let mut cluster = cluster([]);
    (0..5).for_each(|_| put(&mut cluster, "a"));
    compact(&mut cluster, 4);
    let mut watchers = created(from(3), &cluster);
    let responses = told(&mut watchers, &cluster);
    assert_eq!(responses.len(), 1);
    assert!(responses[0].canceled);
    assert_eq!(responses[0].compact_revision, 4);
    let mut watchers = created(from(4), &cluster);
    assert_eq!(revisions(&told(&mut watchers, &cluster)), [[4, 5, 6]]);
}

#[test]
fn a_compaction_overtakes_a_watcher_whose_delivery_lags() {
    let mut cluster = cluster([]);
    let mut watchers = created(from(0), &cluster);
    cluster.hold_watches(0);
    (0..3).for_each(|_| put(&mut cluster, "a"));
    assert_eq!(told(&mut watchers, &cluster), []);
    compact(&mut cluster, 4);
    assert!(told(&mut watchers, &cluster)[0].canceled);
}

#[test]
fn a_watch_from_the_future_waits_for_it() {
    for (bugs, expected) in [(vec![], 4), (vec![Bug::FutureWatchSeesPast], 2)] {
        let mut cluster = cluster(bugs.into_iter().collect::<BTreeSet<_>>());
        let mut watchers = created(from(4), &cluster);
        put(&mut cluster, "a");
        put(&mut cluster, "a");
        let mut seen = revisions(&told(&mut watchers, &cluster)).concat();
        put(&mut cluster, "a");
        seen.extend(revisions(&told(&mut watchers, &cluster)).concat());
        assert_eq!(seen, (expected..=4).collect::<Vec<_>>());
    }
}

#[test]
fn filters_ids_and_ranges_are_honoured() {
    let mut cluster = cluster([]);
    let mut watchers = created(Create { no_puts: true, id: 7, ..from(0) }, &cluster);
    let mut refused = |asked| {
        watchers.create(asked, &cluster, 0);
        watchers.next(&cluster, 0).unwrap()
    };
    let answer = refused(Create { id: 7, ..from(0) });
    assert!(answer.canceled && answer.cancel_reason.contains("duplicate watch ID"), "{answer:?}");
    let backwards = Create { key: b"b".to_vec(), range_end: b"a".to_vec(), ..Create::default() };
    let answer = refused(backwards);
    assert_eq!((answer.watch_id, &*answer.cancel_reason), (-1, "mvcc: watcher range is empty"));
    put(&mut cluster, "a");
    let delete = PbDeleteRequest { key: b"a".to_vec(), ..Default::default() };
    cluster.delete(&delete).unwrap();
    let responses = told(&mut watchers, &cluster);
    assert_eq!(revisions(&responses), [[3]]);
    assert_eq!(responses[0].watch_id, 7);
    watchers.cancel(7, &cluster, 0);
    watchers.cancel(7, &cluster, 0);
    assert_eq!(told(&mut watchers, &cluster).len(), 1, "there is only one to cancel");
}

#[test]
fn previous_values_are_told_while_they_are_known() {
    let mut cluster = cluster([]);
    (0..4).for_each(|_| put(&mut cluster, "a"));
    compact(&mut cluster, 3);
    let mut watchers = created(Create { prev_kv: true, ..from(3) }, &cluster);
    let responses = told(&mut watchers, &cluster);
    let known: Vec<Option<i64>> = responses[0]
        .events
        .iter()
        .map(|event| event.prev_kv.as_ref().map(|kv| kv.mod_revision))
        .collect();
    assert_eq!(known, [None, Some(3), Some(4)]);
}

#[test]
fn progress_comes_after_the_events_it_promises_unless_that_bug_is_on() {
    for (bugs, ahead) in [(vec![], false), (vec![Bug::ProgressAhead], true)] {
        let mut cluster = cluster(bugs.into_iter().collect::<BTreeSet<_>>());
        let mut watchers = created(from(0), &cluster);
        put(&mut cluster, "a");
        watchers.request_progress(&cluster, 0);
        let responses = told(&mut watchers, &cluster);
        let place = responses.iter().position(|told| told.watch_id == NO_WATCHER).unwrap();
        assert_eq!(responses[place].header.unwrap().revision, 2);
        assert_eq!(place == 0, ahead);
    }
}

/// As `progressIfSync` of 3.5 does it; 3.4 answers always.
#[test]
fn a_request_for_progress_is_answered_only_if_every_watcher_was_told_of_everything() {
    let mut cluster = cluster([]);
    let mut watchers = Watchers::default();
    watchers.request_progress(&cluster, 0);
    assert_eq!(told(&mut watchers, &cluster), [], "there is no watcher");
    watchers.create(Create { id: 7, ..from(0) }, &cluster, 0);
    watchers.create(from(2), &cluster, 0);
    assert_eq!(told(&mut watchers, &cluster).len(), 2);
    watchers.request_progress(&cluster, 0);
    assert_eq!(told(&mut watchers, &cluster).len(), 1);
    cluster.hold_watches(0);
    put(&mut cluster, "a");
    watchers.request_progress(&cluster, 0);
    assert_eq!(told(&mut watchers, &cluster), [], "both are behind");
    put(&mut cluster, "a");
    compact(&mut cluster, 3);
    assert_eq!(told(&mut watchers, &cluster).len(), 2, "both are cancelled");
    cluster.release_watches(0);
    watchers.create(from(0), &cluster, 0);
    assert!(told(&mut watchers, &cluster)[0].created);
    watchers.request_progress(&cluster, 0);
    assert_eq!(told(&mut watchers, &cluster), [], "one that was cancelled is never up to date");
    watchers.cancel(7, &cluster, 0);
    watchers.cancel(0, &cluster, 0);
    watchers.request_progress(&cluster, 0);
    let last = told(&mut watchers, &cluster);
    assert_eq!(last.len(), 3, "{last:?}");
    assert!(last[0].canceled && last[1].canceled && last[2].watch_id == NO_WATCHER);
}

#[test]
fn the_id_of_a_watch_that_a_compaction_cancelled_stays_taken() {
    let mut cluster = cluster([]);
    (0..3).for_each(|_| put(&mut cluster, "a"));
    compact(&mut cluster, 3);
    let mut watchers = created(Create { id: 7, ..from(2) }, &cluster);
    assert_eq!(told(&mut watchers, &cluster)[0].compact_revision, 3);
    let again = Create { id: 7, ..from(0) };
    watchers.create(again.clone(), &cluster, 0);
    assert!(told(&mut watchers, &cluster)[0].cancel_reason.contains("duplicate watch ID"));
    watchers.cancel(7, &cluster, 0);
    watchers.cancel(7, &cluster, 0);
    assert_eq!(told(&mut watchers, &cluster).len(), 1, "only the first cancel is acknowledged");
    watchers.create(again, &cluster, 0);
    assert!(!told(&mut watchers, &cluster)[0].canceled);
}

#[test]
fn a_watcher_that_fell_behind_misses_or_repeats_events_only_with_those_bugs() {
    for (bugs, expected) in [
        (vec![], vec![3, 4, 5, 6, 7]),
        (vec![Bug::LostEvent], vec![3, 4, 5]),
        (vec![Bug::WatchBackInTime], vec![2, 3, 4, 5, 6, 7]),
    ] {
        let mut cluster = cluster(bugs.into_iter().collect::<BTreeSet<_>>());
        let mut watchers = created(from(0), &cluster);
        put(&mut cluster, "a");
        told(&mut watchers, &cluster);
        (0..5).for_each(|_| put(&mut cluster, "a"));
        assert_eq!(revisions(&told(&mut watchers, &cluster)).concat(), expected);
    }
}

#[test]
fn only_quiet_watchers_are_notified_of_progress() {
    let mut cluster = cluster([]);
    let mut watchers = created(Create { progress_notify: true, ..from(0) }, &cluster);
    put(&mut cluster, "a");
    told(&mut watchers, &cluster);
    watchers.notify_progress(&cluster, 0);
    assert_eq!(told(&mut watchers, &cluster), []);
    watchers.notify_progress(&cluster, 0);
    assert_eq!(told(&mut watchers, &cluster).len(), 1);
    cluster.stop(0, Duration::ZERO);
}
