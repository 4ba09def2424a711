//! Watches: each event of the range once, in order, in whole revisions.

use super::Subject;
use super::subject::Watched;
use crate::coord::{
    Compare, Error, EventKind, KeyRange, Op, Outcome, RangeRequest, Revision, Txn, WatchRequest,
};

async fn watch(subject: &dyn Subject, request: WatchRequest) -> Watched {
    let stream = subject.store().watch(request).await;
    Watched::new(stream.expect("a watch"))
}

async fn watch_from(subject: &dyn Subject, revision: Revision) -> Watched {
    watch(subject, WatchRequest::new(subject.all()).from(revision)).await
}

pub async fn from_now_it_delivers_what_comes(subject: &dyn Subject) {
    subject.put("a", "before").await;
    let mut watched = watch(subject, WatchRequest::new(subject.all())).await;
    let put = subject.put("a", "1").await;
    let deleted = subject.delete("a").await;
    let events = watched.events(2).await;
    assert_eq!(subject.show(&events), "+a=1 -a");
    let (first, second) = (&events[0], &events[1]);
    assert_eq!((first.kv.mod_revision, first.kv.version), (put, 2));
    assert_eq!(second.kv.mod_revision, deleted);
    assert_eq!((second.kind, second.kv.value.len()), (EventKind::Delete, 0));
    assert!(events.iter().all(|event| event.prev.is_none()));
}

pub async fn it_wakes_who_waits_for_it(subject: &dyn Subject) {
    let mut watched = watch(subject, WatchRequest::new(subject.all())).await;
    // Polled in this order: the watch waits before there is anything.
    let (events, _) = tokio::join!(watched.events(1), subject.put("a", "1"));
    assert_eq!(subject.show(&events), "+a=1");
}

pub async fn from_the_past_it_catches_up_and_goes_on(subject: &dyn Subject) {
    subject.put("a", "0").await;
    let start = subject.put("a", "1").await;
    subject.put("b", "2").await;
    subject.delete("a").await;
    let mut watched = watch_from(subject, start).await;
    let events = watched.events(3).await;
    assert_eq!(subject.show(&events), "+a=1 +b=2 -a");
    subject.put("c", "3").await;
    assert_eq!(subject.show(&watched.events(1).await), "+c=3");
}

pub async fn from_the_future_it_leaves_out_what_comes_before(subject: &dyn Subject) {
    let now = subject.put("a", "0").await;
    let mut watched = watch_from(subject, now + 3).await;
    for value in ["1", "2", "3", "4"] {
        subject.put("a", value).await;
    }
    let events = watched.events(2).await;
    assert_eq!(subject.show(&events), "+a=3 +a=4");
}

pub async fn it_delivers_its_range_only(subject: &dyn Subject) {
    let start = subject.put("a", "0").await;
    let request = |range| WatchRequest::new(range).from(start);
    let between = KeyRange::between(subject.key("b"), subject.key("d"));
    let mut between = watch(subject, request(between)).await;
    let mut single = watch(subject, request(KeyRange::single(subject.key("b")))).await;
    for name in ["a", "b", "b/1", "c", "d", "b"] {
        subject.put(name, "x").await;
    }
    let events = between.events(4).await;
    assert_eq!(subject.show(&events), "+b=x +b/1=x +c=x +b=x");
    assert_eq!(subject.show(&single.events(2).await), "+b=x +b=x");
}

pub async fn it_never_splits_a_revision(subject: &dyn Subject) {
    const KEYS: usize = 100;
    let start = subject.revision().await + 1;
    let mut live = watch(subject, WatchRequest::new(subject.all())).await;
    let keys = || (0..KEYS).map(|n| subject.key(&format!("{n:03}")));
    for round in 0..15 {
        let puts = keys().map(|key| Op::put(key, round.to_string()));
        let puts = Txn { then: puts.collect(), ..Txn::default() };
        subject.store().txn(puts).await.expect("a transaction");
    }
    let delete = Txn::default().then(Op::delete(subject.all()));
    subject.store().txn(delete).await.expect("a transaction");
    let mut late = watch_from(subject, start).await;
    // `events` checks that each revision comes in one batch.
    let live = live.events(16 * KEYS).await;
    assert_eq!(late.events(16 * KEYS).await, live);
    let gone = live[15 * KEYS..].iter().map(|event| &event.kv.key);
    assert!(gone.eq(keys().collect::<Vec<_>>().iter()));
}

pub async fn it_delivers_the_previous_value_if_asked_for(subject: &dyn Subject) {
    let start = subject.revision().await + 1;
    let request = WatchRequest::new(subject.all()).prev_kv();
    let mut live = watch(subject, request.clone()).await;
    subject.put("a", "1").await;
    let first = subject.get("a").await;
    subject.put("a", "2").await;
    let second = subject.get("a").await;
    subject.delete("a").await;
    subject.put("a", "3").await;
    let mut late = watch(subject, request.from(start)).await;
    for watched in [&mut live, &mut late] {
        let events = watched.events(4).await;
        let prevs: Vec<_> = events.into_iter().map(|event| event.prev).collect();
        assert_eq!(prevs, [None, first.clone(), second.clone(), None]);
    }
}

pub async fn it_delivers_long_pasts_in_order_and_once(subject: &dyn Subject) {
    const REVISIONS: usize = 2500;
    let start = subject.revision().await + 1;
    for n in 0..REVISIONS {
        subject.put(&format!("{}", n % 7), &n.to_string()).await;
    }
    let mut watched = watch_from(subject, start).await;
    let events = watched.events(REVISIONS).await;
    assert_eq!(events.len(), REVISIONS);
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event.kv.mod_revision, start + n as Revision);
        assert_eq!(event.kv.value, n.to_string());
    }
}

pub async fn every_watcher_gets_everything(subject: &dyn Subject) {
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(watch(subject, WatchRequest::new(subject.all())).await);
    }
    drop(all.pop());
    for n in 0..20 {
        subject.put("a", &n.to_string()).await;
    }
    let first = all[0].events(20).await;
    assert_eq!(first.len(), 20);
    for watched in &mut all[1..] {
        assert_eq!(watched.events(20).await, first);
    }
}

pub async fn from_below_a_compaction_it_ends_with_an_error(subject: &dyn Subject) {
    let first = subject.put("a", "1").await;
    let second = subject.put("a", "2").await;
    subject.put("a", "3").await;
    let compacted = subject.store().compact(second).await;
    compacted.expect("a compaction");
    let mut watched = watch_from(subject, first).await;
    let error = watched.error().await;
    assert!(matches!(error, Error::Compacted { oldest } if oldest == second), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotApplied);
}

pub async fn from_the_compacted_revision_it_delivers(subject: &dyn Subject) {
    subject.put("a", "1").await;
    let second = subject.put("a", "2").await;
    subject.put("a", "3").await;
    let compacted = subject.store().compact(second).await;
    compacted.expect("a compaction");
    let request = WatchRequest::new(subject.all()).from(second).prev_kv();
    let events = watch(subject, request).await.events(2).await;
    assert_eq!(subject.show(&events), "+a=2 +a=3");
    let prevs = events.iter().map(|event| event.prev.as_ref());
    let prevs: Vec<_> = prevs.map(|prev| prev.map(|kv| &kv.value[..])).collect();
    assert_eq!(prevs, [None, Some(&b"2"[..])], "what the first replaced is gone");
}

pub async fn it_delivers_what_a_failed_transaction_did_not_do_never(subject: &dyn Subject) {
    let mut watched = watch(subject, WatchRequest::new(subject.all())).await;
    let failing = Txn::default()
        .when(Compare::mod_revision(subject.key("a"), 1 << 40))
        .then(Op::put(subject.key("a"), "then"))
        .otherwise(Op::Range(RangeRequest::new(subject.all())));
    let done = subject.store().txn(failing).await.expect("a transaction");
    assert!(!done.succeeded);
    subject.delete("none").await;
    subject.put("end", "x").await;
    assert_eq!(subject.show(&watched.events(1).await), "+end=x");
}
