//! Transactions: compares, branches, atomicity.

use futures_util::future::join_all;

use super::Subject;
use crate::coord::{
    Compare, CompareOp, CompareTarget, CoordinationExt, KeyRange, MAX_TXN_OPS, Op, OpResult, Put,
    RangeRequest, Txn, TxnResponse,
};

const OPS: [CompareOp; 4] =
    [CompareOp::Equal, CompareOp::NotEqual, CompareOp::Greater, CompareOp::Less];

type Target = fn(i64) -> CompareTarget;

async fn txn(subject: &dyn Subject, txn: Txn) -> TxnResponse {
    subject.store().txn(txn).await.expect("a transaction")
}

/// Whether the compares hold, in the order of [`OPS`].
async fn outcomes(subject: &dyn Subject, name: &str, target: CompareTarget) -> [bool; 4] {
    let mut held = [false; 4];
    for (op, held) in OPS.into_iter().zip(&mut held) {
        let key = subject.key(name);
        let target = target.clone();
        let compare = Compare { key, op, target };
        *held = txn(subject, Txn::default().when(compare)).await.succeeded;
    }
    held
}

const IS_EQUAL: [bool; 4] = [true, false, false, false];
const IS_GREATER: [bool; 4] = [false, true, true, false];
const IS_LESS: [bool; 4] = [false, true, false, true];
const NEVER: [bool; 4] = [false; 4];

pub async fn all_compares_must_hold(subject: &dyn Subject) {
    let revision = subject.put("a", "1").await;
    let attempt = |compares: &[Compare]| Txn {
        compares: compares.to_vec(),
        then: vec![Op::put(subject.key("result"), "then")],
        otherwise: vec![Op::put(subject.key("result"), "otherwise")],
    };
    let holds = Compare::mod_revision(subject.key("a"), revision);
    let fails = Compare::absent(subject.key("a"));
    let cases: [(&[Compare], &str); 5] = [
        (&[], "then"),
        (std::slice::from_ref(&holds), "then"),
        (std::slice::from_ref(&fails), "otherwise"),
        (&[holds.clone(), fails.clone()], "otherwise"),
        (&[fails.clone(), holds.clone()], "otherwise"),
    ];
    for (compares, expected) in cases {
        let done = txn(subject, attempt(compares)).await;
        assert_eq!(done.succeeded, expected == "then", "{compares:?}");
        let result = subject.get("result").await.expect("it is there");
        assert_eq!(result.value, expected, "{compares:?}");
        assert_eq!(result.mod_revision, done.revision);
    }
}

pub async fn numbers_compare_in_all_four_ways(subject: &dyn Subject) {
    let create = subject.put("a", "1").await;
    subject.put("a", "2").await;
    let modified = subject.put("a", "3").await;
    let targets: [(Target, i64); 3] = [
        (CompareTarget::CreateRevision, create),
        (CompareTarget::ModRevision, modified),
        (CompareTarget::Version, 3),
    ];
    for (target, actual) in targets {
        assert_eq!(outcomes(subject, "a", target(actual)).await, IS_EQUAL);
        assert_eq!(outcomes(subject, "a", target(actual - 1)).await, IS_GREATER);
        assert_eq!(outcomes(subject, "a", target(actual + 1)).await, IS_LESS);
    }
}

pub async fn values_compare_in_all_four_ways(subject: &dyn Subject) {
    subject.put("a", "mm").await;
    let cases = [("mm", IS_EQUAL), ("m", IS_GREATER), ("ma", IS_GREATER), ("n", IS_LESS)];
    for (given, expected) in cases {
        let target = CompareTarget::Value(given.into());
        assert_eq!(outcomes(subject, "a", target).await, expected, "{given}");
    }
}

pub async fn leases_compare(subject: &dyn Subject) {
    let ttl = std::time::Duration::from_secs(60);
    let lease = subject.store().lease_grant(ttl).await.expect("a lease").id;
    let other = subject.store().lease_grant(ttl).await.expect("a lease").id;
    let put = Put::new(subject.key("leased"), "x").lease(lease);
    subject.store().put(put).await.expect("a put");
    subject.put("free", "x").await;
    let target = CompareTarget::Lease;
    let held = outcomes(subject, "leased", target(Some(lease))).await;
    assert_eq!(held, IS_EQUAL);
    let held = outcomes(subject, "leased", target(Some(other))).await;
    assert_eq!(held[..2], [false, true]);
    assert_eq!(outcomes(subject, "leased", target(None)).await, IS_GREATER);
    assert_eq!(outcomes(subject, "free", target(None)).await, IS_EQUAL);
}

pub async fn a_missing_key_compares_as_zero(subject: &dyn Subject) {
    subject.put("gone", "x").await;
    subject.delete("gone").await;
    for name in ["never", "gone"] {
        let numbers: [Target; 3] =
            [CompareTarget::CreateRevision, CompareTarget::ModRevision, CompareTarget::Version];
        for target in numbers {
            assert_eq!(outcomes(subject, name, target(0)).await, IS_EQUAL);
            assert_eq!(outcomes(subject, name, target(1)).await, IS_LESS);
        }
        let no_lease = CompareTarget::Lease(None);
        assert_eq!(outcomes(subject, name, no_lease).await, IS_EQUAL);
    }
}

pub async fn the_value_of_a_missing_key_never_compares(subject: &dyn Subject) {
    for value in ["", "x"] {
        let target = CompareTarget::Value(value.into());
        assert_eq!(outcomes(subject, "never", target).await, NEVER);
    }
}

pub async fn changes_of_one_transaction_share_a_revision(subject: &dyn Subject) {
    let before = subject.put("old", "x").await;
    let all = Txn::default()
        .then(Op::put(subject.key("a"), "1"))
        .then(Op::delete(KeyRange::single(subject.key("old"))))
        .then(Op::put(subject.key("b"), "2"));
    let done = txn(subject, all).await;
    assert_eq!(done.revision, before + 1);
    let found = subject.range(RangeRequest::new(subject.all())).await;
    assert_eq!(subject.names(&found.kvs), "a b");
    let revisions = found.kvs.iter().map(|kv| kv.mod_revision);
    assert_eq!(revisions.collect::<Vec<_>>(), [done.revision, done.revision]);
    let past = RangeRequest::new(subject.all()).at(before);
    assert_eq!(subject.names(&subject.range(past).await.kvs), "old");
}

pub async fn operations_see_the_ones_before_them(subject: &dyn Subject) {
    let before = subject.put("x/old", "x").await;
    let read = || Op::Range(RangeRequest::new(subject.below("x/")));
    let all = Txn::default()
        .then(read())
        .then(Op::put(subject.key("x/new"), "1"))
        .then(read())
        .then(Op::delete(KeyRange::single(subject.key("x/old"))))
        .then(read())
        .then(Op::Range(RangeRequest::new(subject.below("x/")).at(before)));
    let done = txn(subject, all).await;
    let read = |index: usize| match &done.results[index] {
        OpResult::Range(range) => (subject.names(&range.kvs), range.revision - before),
        other => panic!("not a range: {other:?}"),
    };
    assert_eq!(done.results.len(), 6);
    assert_eq!(read(0), ("x/old".to_owned(), 0));
    assert_eq!(read(2), ("x/new x/old".to_owned(), 1));
    assert_eq!(read(4), ("x/new".to_owned(), 1));
    assert_eq!(read(5).0, "x/old", "a read of the past sees the past");
}

pub async fn previous_values_are_answered_if_asked_for(subject: &dyn Subject) {
    subject.put("a", "1").await;
    let first = subject.get("a").await;
    let put = |name: &str| Put::new(subject.key(name), "2");
    let delete = |name: &str, prev_kv| Op::Delete { range: subject.below(name), prev_kv };
    let puts = Txn::default()
        .then(Op::Put(put("a").prev_kv()))
        .then(Op::Put(put("new").prev_kv()))
        .then(Op::Put(put("z")));
    let done = txn(subject, puts).await;
    let prev = |prev| OpResult::Put { prev };
    assert_eq!(done.results, [prev(first), prev(None), prev(None)]);
    subject.put("b/1", "x").await;
    subject.put("b/2", "x").await;
    let second = subject.get("a").await;
    let deletes =
        Txn::default().then(delete("a", true)).then(delete("b/", false)).then(delete("none", true));
    let done = txn(subject, deletes).await;
    let gone = |deleted, prev| OpResult::Delete { deleted, prev };
    let prev = second.into_iter().collect();
    assert_eq!(done.results, [gone(1, prev), gone(2, vec![]), gone(0, vec![])]);
}

pub async fn overlapping_deletions_delete_once(subject: &dyn Subject) {
    for name in ["a", "b", "c"] {
        subject.put(name, "x").await;
    }
    let first = KeyRange::between(subject.key("a"), subject.key("c"));
    let second = KeyRange::between(subject.key("b"), subject.key("d"));
    let both = Txn::default().then(Op::delete(first)).then(Op::delete(second));
    let done = txn(subject, both).await;
    let deleted = done.results.iter().map(|result| match result {
        OpResult::Delete { deleted, .. } => *deleted,
        other => panic!("not a deletion: {other:?}"),
    });
    assert_eq!(deleted.collect::<Vec<_>>(), [2, 1]);
}

pub async fn racing_compare_and_swaps_lose_no_update(subject: &dyn Subject) {
    const WRITERS: usize = 8;
    const EACH: usize = 5;
    let store = subject.store();
    let key = subject.key("counter");
    let writer = async || {
        let mut done = 0;
        // Whenever one loses, another has won.
        for _ in 0..=WRITERS * EACH {
            let (found, _) = store.get(key.clone()).await.expect("a get");
            let revision = found.as_ref().map_or(0, |kv| kv.mod_revision);
            let count = found.map_or(0, |kv| {
                let text = std::str::from_utf8(&kv.value).expect("text");
                text.parse::<usize>().expect("a number")
            });
            let swap = Txn::default()
                .when(Compare::mod_revision(key.clone(), revision))
                .then(Op::put(key.clone(), (count + 1).to_string()));
            // Lets the others read the same.
            tokio::task::yield_now().await;
            done += usize::from(store.txn(swap).await.expect("a transaction").succeeded);
            if done == EACH {
                return;
            }
        }
        panic!("only {done} of {EACH} swaps won");
    };
    join_all((0..WRITERS).map(|_| writer())).await;
    let counter = subject.get("counter").await.expect("it is there");
    assert_eq!(counter.value, (WRITERS * EACH).to_string());
    assert_eq!(counter.version, (WRITERS * EACH) as i64);
}

pub async fn the_most_operations_allowed_are_applied(subject: &dyn Subject) {
    let names = (0..MAX_TXN_OPS).map(|n| format!("{n:03}"));
    let keys: Vec<_> = names.map(|name| subject.key(&name)).collect();
    let full = Txn {
        compares: keys.iter().cloned().map(Compare::absent).collect(),
        then: keys.iter().map(|key| Op::put(key.clone(), "x")).collect(),
        otherwise: keys.iter().cloned().map(Op::get).collect(),
    };
    assert!(txn(subject, full.clone()).await.succeeded);
    assert!(!txn(subject, full).await.succeeded);
    let found = subject.range(RangeRequest::new(subject.all())).await;
    assert_eq!(found.count, MAX_TXN_OPS);
}

pub async fn a_large_request_below_the_limit_is_applied(subject: &dyn Subject) {
    let value = vec![7; 700 << 10];
    let both = Txn::default()
        .then(Op::put(subject.key("a"), value.clone()))
        .then(Op::put(subject.key("b"), value.clone()));
    txn(subject, both).await;
    let found = subject.get("b").await.expect("it is there");
    assert!(found.value == value, "the value came back changed");
}
