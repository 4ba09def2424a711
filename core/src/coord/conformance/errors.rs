//! Refusals: the error of each, and that the request had no effect.

use std::time::Duration;

use super::Subject;
use crate::coord::{
    Compare, CompareTarget, CoordinationExt, Error, KeyRange, LeaseId, MAX_REQUEST_BYTES,
    MAX_TXN_OPS, Op, Outcome, Put, RangeRequest, Txn, WatchRequest,
};

/// No store ever grants it.
const NO_LEASE: LeaseId = LeaseId(i64::MAX);

fn assert_invalid<T>(what: &str, result: Result<T, Error>) {
    let error = result.err().unwrap_or_else(|| panic!("{what} passed"));
    assert!(matches!(error, Error::Invalid { .. }), "{what}: {error:?}");
    assert_eq!(error.outcome(), Outcome::NotApplied, "{what}");
    assert!(!error.is_transient(), "{what}");
}

fn assert_too_large<T>(what: &str, result: Result<T, Error>) {
    let error = result.err().unwrap_or_else(|| panic!("{what} passed"));
    assert!(matches!(error, Error::TooLarge { .. }), "{what}: {error:?}");
    assert_eq!(error.outcome(), Outcome::NotApplied, "{what}");
}

fn ops(then: Vec<Op>) -> Txn {
    Txn { then, ..Txn::default() }
}

pub async fn refusals_of_the_request_itself(subject: &dyn Subject) {
    let before = subject.put("a", "1").await;
    let store = subject.store();
    let put = |name: &str| Op::put(subject.key(name), "x");
    let delete = || Op::delete(subject.all());

    let branches = [
        ("a key put twice", vec![put("b"), put("b")]),
        ("a key put and deleted", vec![put("b"), delete()]),
        ("a key deleted and put", vec![delete(), put("b")]),
        ("an empty key put", vec![Op::put("", "x")]),
        ("an empty key deleted", vec![Op::delete(KeyRange::single(""))]),
        ("an empty key read", vec![Op::get("")]),
    ];
    for (what, branch) in branches {
        assert_invalid(what, store.txn(ops(branch.clone())).await);
        // Also in the branch that is not taken.
        let not_taken = Txn { otherwise: branch, ..ops(vec![put("b")]) };
        assert_invalid(what, store.txn(not_taken).await);
    }
    let empty = Compare::equal("", CompareTarget::Version(0));
    assert_invalid("an empty key compared", store.txn(Txn::default().when(empty)).await);
    let empty = KeyRange::single("");
    let range = RangeRequest::new(empty.clone());
    assert_invalid("an empty key read", store.range(range).await);
    assert_invalid("an empty key watched", store.watch(WatchRequest::new(empty)).await);
    let range = RangeRequest::new(subject.all());
    assert_invalid("revision 0 read", store.range(range.at(0)).await);
    let watch = WatchRequest::new(subject.all());
    assert_invalid("revision -1 watched", store.watch(watch.from(-1)).await);
    let forever = store.lease_grant(Duration::from_secs(1 << 40)).await;
    assert_invalid("a lease without end", forever);

    let many = |count: usize| (0..count).map(|n| put(&n.to_string())).collect::<Vec<_>>();
    let too_many = ops(many(MAX_TXN_OPS + 1));
    assert_too_large("too many operations", store.txn(too_many).await);
    let compares = vec![Compare::absent(subject.key("a")); MAX_TXN_OPS + 1];
    let too_many = Txn { compares, ..Txn::default() };
    assert_too_large("too many compares", store.txn(too_many).await);
    let value = vec![0; MAX_REQUEST_BYTES + 1];
    let put = Put::new(subject.key("a"), value);
    assert_too_large("a large value", store.put(put).await);
    let half = vec![0; MAX_REQUEST_BYTES / 2 + 1];
    let halves = ["b", "c"].map(|name| Op::put(subject.key(name), half.clone()));
    assert_too_large("large together", store.txn(ops(halves.to_vec())).await);

    assert_eq!(subject.revision().await, before, "something had an effect");
}

pub async fn unknown_leases_are_refused(subject: &dyn Subject) {
    let store = subject.store();
    let put = Put::new(subject.key("a"), "x").lease(NO_LEASE);
    let refusals = [
        store.put(put).await.expect_err("no such lease"),
        store.lease_revoke(NO_LEASE).await.expect_err("no such lease"),
        store.lease_keep_alive(NO_LEASE).await.expect_err("no such lease"),
    ];
    for error in refusals {
        assert!(matches!(error, Error::LeaseNotExist(NO_LEASE)), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotApplied);
    }
    // A branch that is not taken may name a lease that does not exist.
    let put = Put::new(subject.key("a"), "x").lease(NO_LEASE);
    let untouched = Txn::default().otherwise(Op::Put(put));
    assert!(store.txn(untouched).await.expect("a transaction").succeeded);
}

pub async fn a_refused_transaction_changes_nothing(subject: &dyn Subject) {
    let before = subject.put("a", "1").await;
    let last = [
        Op::Put(Put::new(subject.key("c"), "x").lease(NO_LEASE)),
        Op::Range(RangeRequest::new(subject.all()).at(before + 9)),
    ];
    for last in last {
        let txn = Txn::default()
            .then(Op::put(subject.key("b"), "x"))
            .then(Op::delete(KeyRange::single(subject.key("a"))))
            .then(last);
        subject.store().txn(txn).await.expect_err("a refusal");
        let found = subject.range(RangeRequest::new(subject.all())).await;
        assert_eq!(subject.names(&found.kvs), "a");
        assert_eq!(found.revision, before);
    }
}
