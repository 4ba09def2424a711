//! Keys, ranges and revisions.

use super::Subject;
use crate::coord::{
    CoordinationExt, Error, KeyRange, KeyValue, Op, Projection, Put, RangeRequest, Txn,
};

pub async fn a_new_store_is_empty_at_revision_1(subject: &dyn Subject) {
    let found = subject.range(RangeRequest::new(subject.all())).await;
    assert_eq!((found.count, found.kvs.len(), found.more), (0, 0, false));
    if subject.is_new() {
        assert_eq!(found.revision, 1);
        let everything = RangeRequest::new(KeyRange::prefix(""));
        assert_eq!(subject.range(everything.at(1)).await.count, 0);
    }
}

pub async fn a_put_is_read_back_with_its_revisions(subject: &dyn Subject) {
    let before = subject.revision().await;
    let revision = subject.put("a", "1").await;
    assert_eq!(revision, before + 1);
    let expected = KeyValue {
        key: subject.key("a"),
        value: "1".into(),
        create_revision: revision,
        mod_revision: revision,
        version: 1,
        lease: None,
    };
    let (found, at) = subject.store().get(subject.key("a")).await.expect("a get");
    assert_eq!((found, at), (Some(expected), revision));
    assert_eq!(subject.get("b").await, None);
}

pub async fn a_second_put_keeps_the_create_revision_and_counts(subject: &dyn Subject) {
    let first = subject.put("a", "1").await;
    subject.put("other", "x").await;
    let second = subject.put("a", "2").await;
    let found = subject.get("a").await.expect("it is there");
    let revisions = (found.create_revision, found.mod_revision, found.version);
    assert_eq!(revisions, (first, second, 2));
    assert_eq!(found.value, "2");
}

pub async fn a_key_put_again_after_its_deletion_is_new(subject: &dyn Subject) {
    subject.put("a", "1").await;
    subject.put("a", "2").await;
    let deleted = subject.delete("a").await;
    assert_eq!(subject.get("a").await, None);
    let again = subject.put("a", "3").await;
    assert_eq!(again, deleted + 1);
    let found = subject.get("a").await.expect("it is there");
    let revisions = (found.create_revision, found.mod_revision, found.version);
    assert_eq!(revisions, (again, again, 1));
}

pub async fn reads_and_deletions_of_nothing_do_not_advance_the_revision(subject: &dyn Subject) {
    let revision = subject.put("a", "1").await;
    subject.get("a").await;
    assert_eq!(subject.delete("none").await, revision);
    let read = Txn::default().then(Op::get(subject.key("a")));
    let read = subject.store().txn(read).await.expect("a transaction");
    assert_eq!(read.revision, revision);
    let empty = subject.store().txn(Txn::default()).await;
    assert_eq!(empty.expect("a transaction").revision, revision);
    assert_eq!(subject.revision().await, revision);
}

pub async fn a_range_is_half_open_and_in_order(subject: &dyn Subject) {
    for name in ["c", "a", "b/2", "b", "d"] {
        subject.put(name, "x").await;
    }
    let range = KeyRange::between(subject.key("a"), subject.key("c"));
    let found = subject.range(RangeRequest::new(range)).await;
    assert_eq!(subject.names(&found.kvs), "a b b/2");
    assert_eq!((found.count, found.more), (3, false));
    let descending = RangeRequest::new(subject.all()).descending();
    let found = subject.range(descending).await;
    assert_eq!(subject.names(&found.kvs), "d c b/2 b a");
    let single = RangeRequest::new(KeyRange::single(subject.key("b")));
    assert_eq!(subject.names(&subject.range(single).await.kvs), "b");
}

pub async fn a_prefix_holds_what_begins_with_it(subject: &dyn Subject) {
    let put = |suffix: &[u8]| Put::new([&subject.key("p")[..], suffix].concat(), "x");
    for suffix in [&b""[..], b"\x00", b"\xfe", b"\xff", b"\xff\xff", b"\xff\xff\x01"] {
        subject.store().put(put(suffix)).await.expect("a put");
    }
    subject.put("q", "x").await;
    let count = async |suffix: &[u8]| {
        let range = KeyRange::prefix([&subject.key("p")[..], suffix].concat());
        subject.range(RangeRequest::new(range)).await.count
    };
    assert_eq!(count(b"").await, 6);
    assert_eq!(count(b"\xff").await, 3);
    assert_eq!(count(b"\xff\xff").await, 2);
    assert_eq!(count(b"\xff\xff\x02").await, 0);
    if subject.is_new() {
        let everything = RangeRequest::new(KeyRange::prefix(""));
        assert_eq!(subject.range(everything).await.count, 7);
    }
}

pub async fn a_range_that_ends_before_it_starts_is_empty(subject: &dyn Subject) {
    subject.put("a", "x").await;
    subject.put("b", "x").await;
    for (start, end) in [("b", "a"), ("a", "a")] {
        let range = KeyRange::between(subject.key(start), subject.key(end));
        assert_eq!(subject.range(RangeRequest::new(range)).await.count, 0);
    }
}

pub async fn a_limit_cuts_and_says_so(subject: &dyn Subject) {
    for name in ["a", "b", "c"] {
        subject.put(name, "x").await;
    }
    for (limit, names, more) in [(2, "a b", true), (3, "a b c", false), (0, "a b c", false)] {
        let request = RangeRequest::new(subject.all()).limit(limit);
        let found = subject.range(request).await;
        assert_eq!(subject.names(&found.kvs), names);
        assert_eq!((found.count, found.more), (3, more), "limit {limit}");
    }
}

pub async fn a_limit_in_descending_order_keeps_the_last(subject: &dyn Subject) {
    for name in ["a", "b", "c"] {
        subject.put(name, "x").await;
    }
    let request = RangeRequest::new(subject.all()).limit(2).descending();
    let found = subject.range(request).await;
    assert_eq!(subject.names(&found.kvs), "c b");
    assert_eq!((found.count, found.more), (3, true));
}

pub async fn projections_leave_out_values_and_keys(subject: &dyn Subject) {
    subject.put("a", "1").await;
    let revision = subject.put("b", "2").await;
    let request = RangeRequest::new(subject.all());
    let keys = subject.range(request.clone().projection(Projection::KeysOnly)).await;
    assert_eq!(subject.names(&keys.kvs), "a b");
    assert!(keys.kvs.iter().all(|kv| kv.value.is_empty()));
    assert_eq!((keys.count, keys.kvs[1].mod_revision), (2, revision));
    let count = subject.range(request.projection(Projection::CountOnly)).await;
    assert_eq!((count.count, count.kvs.len(), count.more), (2, 0, false));
}

pub async fn a_read_at_a_revision_answers_the_store_as_it_was(subject: &dyn Subject) {
    let first = subject.put("a", "1").await;
    let second = subject.put("a", "2").await;
    let third = subject.put("b", "3").await;
    let fourth = subject.delete("a").await;
    let expected = [(first, "a=1"), (second, "a=2"), (third, "a=2 b=3"), (fourth, "b=3")];
    for (revision, expected) in expected {
        let request = RangeRequest::new(subject.all()).at(revision);
        let found = subject.range(request).await;
        let show = |kv: &KeyValue| {
            let name = subject.names(std::slice::from_ref(kv));
            format!("{name}={}", kv.value.escape_ascii())
        };
        let shown: Vec<String> = found.kvs.iter().map(show).collect();
        assert_eq!(shown.join(" "), expected, "at {revision}");
        assert_eq!(found.revision, fourth, "the present revision is answered");
        assert!(found.kvs.iter().all(|kv| kv.mod_revision <= revision));
    }
}

pub async fn a_read_at_the_future_is_refused(subject: &dyn Subject) {
    let revision = subject.put("a", "1").await;
    let request = RangeRequest::new(subject.all()).at(revision + 1);
    let refused = subject.store().range(request.clone()).await;
    assert!(matches!(refused, Err(Error::FutureRevision { .. })), "{refused:?}");
    // The revision that a transaction is about to make is the future to its reads, too.
    let put = Op::put(subject.key("a"), "2");
    let txn = Txn::default().then(put).then(Op::Range(request));
    let refused = subject.store().txn(txn).await;
    assert!(matches!(refused, Err(Error::FutureRevision { .. })), "{refused:?}");
    assert_eq!(subject.revision().await, revision);
}

pub async fn keys_and_values_are_any_bytes(subject: &dyn Subject) {
    let key = [subject.prefix().as_bytes(), b"\x00\xff\xfe/\n"].concat();
    let value: Vec<u8> = (0..=255).collect();
    let put = Put::new(key.clone(), value.clone());
    subject.store().put(put).await.expect("a put");
    subject.put("empty", "").await;
    let (found, _) = subject.store().get(key).await.expect("a get");
    assert_eq!(found.expect("it is there").value, value);
    let empty = subject.get("empty").await.expect("it is there");
    assert_eq!(empty.value, "");
}

pub async fn serializable_reads_answer(subject: &dyn Subject) {
    let revision = subject.put("a", "1").await;
    let request = RangeRequest::new(subject.all()).serializable();
    let found = subject.range(request).await;
    assert!(found.revision <= revision, "old is allowed, the future is not");
}
