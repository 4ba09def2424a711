use std::time::Duration;

use etcd_client::proto::{
    PbCompactionRequest, PbCompare, PbCompareTarget, PbDeleteRequest, PbPutRequest, PbRangeRequest,
    PbTargetUnion, PbTxnOpRequest, PbTxnOpResponse, PbTxnRequest, PbTxnRequestOp,
};
use etcd_client::{CompareOp, SortOrder, SortTarget};

use super::*;
use crate::error::Error;

pub fn put(key: &str, value: &str) -> PbPutRequest {
    PbPutRequest { key: key.into(), value: value.into(), ..Default::default() }
}

pub fn delete(key: &str) -> PbDeleteRequest {
    PbDeleteRequest { key: key.into(), ..Default::default() }
}

pub fn everything() -> PbRangeRequest {
    PbRangeRequest { key: vec![0], range_end: vec![0], ..Default::default() }
}

pub fn put_op(key: &str, value: &str) -> PbTxnRequestOp {
    PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestPut(put(key, value))) }
}

pub fn delete_op(key: &str, range_end: &str) -> PbTxnRequestOp {
    let delete = PbDeleteRequest { range_end: range_end.into(), ..delete(key) };
    PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestDeleteRange(delete)) }
}

fn range_op(range: PbRangeRequest) -> PbTxnRequestOp {
    PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestRange(range)) }
}

pub fn txn_op(txn: PbTxnRequest) -> PbTxnRequestOp {
    PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestTxn(txn)) }
}

pub fn success(ops: Vec<PbTxnRequestOp>) -> PbTxnRequest {
    PbTxnRequest { success: ops, ..Default::default() }
}

fn version_is(key: &str, version: i64) -> PbCompare {
    PbCompare {
        result: CompareOp::Equal.into(),
        target: PbCompareTarget::Version.into(),
        key: key.into(),
        range_end: Vec::new(),
        target_union: Some(PbTargetUnion::Version(version)),
    }
}

pub fn compact(machine: &mut Machine, revision: i64) -> Result<(), Error> {
    machine.compact(&PbCompactionRequest { revision, physical: false }, false)
}

fn keys(machine: &Machine, range: &PbRangeRequest) -> Vec<String> {
    let found = machine.range(range, machine.revision()).unwrap();
    found.kvs.into_iter().map(|kv| String::from_utf8(kv.key).unwrap()).collect()
}

fn with_keys(keys: &[(&str, &str)]) -> Machine {
    let mut machine = Machine::new();
    for (key, value) in keys {
        machine.put(&put(key, value)).unwrap();
    }
    machine
}

#[test]
fn only_what_changes_something_takes_a_revision() {
    let mut machine = with_keys(&[("a", "1")]);
    assert_eq!(machine.revision(), 2);
    machine.delete(&delete("none"));
    machine.txn(&success(vec![range_op(everything()), delete_op("none", "")])).unwrap();
    machine.grant(7, 10, 2, Duration::ZERO).unwrap();
    machine.revoke(7).unwrap();
    assert_eq!(machine.revision(), 2);
    machine.txn(&success(vec![put_op("b", "1"), delete_op("a", "")])).unwrap();
    assert_eq!(machine.revision(), 3);
}

#[test]
fn a_deleted_key_starts_again_at_version_one() {
    let mut machine = with_keys(&[("a", "1"), ("a", "2")]);
    machine.delete(&delete("a"));
    machine.put(&put("a", "3")).unwrap();
    let kv = machine.range(&everything(), 5).unwrap().kvs.remove(0);
    assert_eq!((kv.create_revision, kv.mod_revision, kv.version), (5, 5, 1));
    assert_eq!(machine.value_at(b"a", 3).map(|kv| kv.version), Some(2));
    assert_eq!(machine.value_at(b"a", 4), None);
}

#[test]
fn a_range_counts_all_keys_whatever_limit_and_filters_leave() {
    let machine = with_keys(&[("a", "3"), ("b", "1"), ("c", "2"), ("b", "1")]);
    let limited = PbRangeRequest { limit: 2, ..everything() };
    let found = machine.range(&limited, 5).unwrap();
    assert_eq!((found.kvs.len(), found.count, found.more), (2, 3, true));
    let filtered = PbRangeRequest { min_mod_revision: 4, max_create_revision: 3, ..everything() };
    let found = machine.range(&filtered, 5).unwrap();
    assert_eq!((found.kvs.len(), found.count, found.more), (1, 3, false));
    assert_eq!(found.kvs[0].key, b"b");
}

#[test]
fn a_range_is_sorted_by_every_target() {
    let machine = with_keys(&[("a", "3"), ("b", "1"), ("c", "2"), ("b", "1")]);
    let sorted = |target: SortTarget, order: SortOrder| {
        let sort_target = target.into();
        keys(&machine, &PbRangeRequest { sort_target, sort_order: order.into(), ..everything() })
    };
    assert_eq!(sorted(SortTarget::Value, SortOrder::None), ["b", "c", "a"]);
    assert_eq!(sorted(SortTarget::Mod, SortOrder::Descend), ["b", "c", "a"]);
    assert_eq!(sorted(SortTarget::Create, SortOrder::Descend), ["c", "b", "a"]);
    assert_eq!(sorted(SortTarget::Version, SortOrder::Descend), ["b", "a", "c"]);
    assert_eq!(sorted(SortTarget::Key, SortOrder::Descend), ["c", "b", "a"]);
}

#[test]
fn many_keys_that_sort_alike_come_in_an_order_drawn_from_the_seed() {
    let with_seed = |seed, count| {
        let mut machine = Machine::new().with_seed(seed);
        for key in 0..count {
            machine.put(&put(&format!("{key:02}"), ["a", "b"][key % 2])).unwrap();
        }
        let by_value = PbRangeRequest {
            limit: 5,
            sort_order: SortOrder::Ascend.into(),
            sort_target: SortTarget::Value.into(),
            ..everything()
        };
        let found = keys(&machine, &by_value);
        assert!(found.iter().all(|key| key.parse::<usize>().unwrap() % 2 == 0), "{found:?}");
        found
    };
    assert_eq!(with_seed(1, 12), ["00", "02", "04", "06", "08"]);
    assert_eq!(with_seed(1, 40), with_seed(1, 40));
    assert_ne!(with_seed(1, 40), with_seed(2, 40));
}

#[test]
fn a_transaction_that_reads_below_the_compaction_writes_nothing() {
    let mut machine = with_keys(&[("a", "1"), ("a", "2")]);
    let at = |revision| PbRangeRequest { revision, ..everything() };
    let write = |revision| success(vec![put_op("b", ""), range_op(at(revision))]);
    assert_eq!(machine.txn(&write(-2)).err(), Some(Error::Compacted));
    assert!(machine.txn(&write(-1)).is_ok(), "nothing is compacted yet");
    compact(&mut machine, 3).unwrap();
    for revision in [-1, -2, 2] {
        assert_eq!(machine.txn(&write(revision)).err(), Some(Error::Compacted));
    }
    assert_eq!((machine.revision(), machine.range(&at(-1), 4).unwrap().count), (4, 2));
}

#[test]
fn a_range_that_ends_before_it_starts_is_empty() {
    let machine = with_keys(&[("a", ""), ("b", "")]);
    let backwards = PbRangeRequest { key: "b".into(), range_end: "a".into(), ..Default::default() };
    assert_eq!(keys(&machine, &backwards), [""; 0]);
}

#[test]
fn reads_below_the_compaction_and_in_the_future_are_refused() {
    let mut machine = with_keys(&[("a", "1"), ("a", "2"), ("a", "3")]);
    compact(&mut machine, 3).unwrap();
    let at = |revision| PbRangeRequest { revision, ..everything() };
    assert_eq!(machine.range(&at(2), 4), Err(Error::Compacted));
    assert_eq!(machine.range(&at(3), 4).unwrap().kvs[0].value, b"2");
    assert_eq!(machine.range(&at(5), 4), Err(Error::FutureRevision));
    assert_eq!(compact(&mut machine, 3), Err(Error::Compacted));
    assert_eq!(compact(&mut machine, 5), Err(Error::FutureRevision));
}

#[test]
fn a_deletion_at_the_compacted_revision_stays_for_watchers() {
    for (with_deletions, kept) in [(false, 1), (true, 0)] {
        let mut machine = with_keys(&[("a", "1")]);
        machine.delete(&delete("a"));
        let request = PbCompactionRequest { revision: 3, physical: false };
        machine.compact(&request, with_deletions).unwrap();
        let logged: usize = machine.log(3, 3).map(|(_, changes)| changes.len()).sum();
        assert_eq!(logged, kept);
        assert_eq!(machine.versions().count(), kept);
    }
}

#[test]
fn comparisons_of_nested_transactions_see_the_state_before_all_of_them() {
    let inner = PbTxnRequest {
        compare: vec![version_is("a", 0)],
        success: vec![put_op("inner", "saw nothing")],
        failure: vec![put_op("inner", "saw a")],
    };
    let mut machine = Machine::new();
    let answer = machine.txn(&success(vec![put_op("a", "1"), txn_op(inner)])).unwrap();
    assert_eq!(machine.current(b"inner").unwrap().value, b"saw nothing");
    let Some(PbTxnOpResponse::ResponseTxn(inner)) = &answer.responses[1].response else {
        panic!("{answer:?}")
    };
    assert!(inner.succeeded);
    assert_eq!(machine.revision(), 2);
}

#[test]
fn a_refused_transaction_changes_nothing() {
    let future = PbRangeRequest { revision: 99, ..everything() };
    let unknown_lease = PbPutRequest { lease: 5, ..put("b", "") };
    let unknown_lease = PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestPut(unknown_lease)) };
    for (op, error) in
        [(range_op(future), Error::FutureRevision), (unknown_lease, Error::LeaseNotFound)]
    {
        let mut machine = Machine::new();
        assert_eq!(machine.txn(&success(vec![put_op("a", "1"), op])), Err(error));
        assert_eq!((machine.revision(), machine.versions().count()), (1, 0));
    }
}

#[test]
fn a_missing_key_compares_as_zero_but_has_no_value() {
    let mut machine = Machine::new();
    let value = |result: CompareOp| PbCompare {
        result: result.into(),
        target: PbCompareTarget::Value.into(),
        target_union: Some(PbTargetUnion::Value(b"x".to_vec())),
        ..version_is("a", 0)
    };
    for (compare, holds) in [
        (version_is("a", 0), true),
        (value(CompareOp::Equal), false),
        (value(CompareOp::NotEqual), false),
    ] {
        let txn = PbTxnRequest { compare: vec![compare], ..Default::default() };
        assert_eq!(machine.txn(&txn).unwrap().succeeded, holds);
    }
}

#[test]
fn a_comparison_of_a_range_holds_for_every_key_of_it() {
    let mut machine = with_keys(&[("a", ""), ("b", "")]);
    let both = PbCompare { range_end: "c".into(), ..version_is("a", 1) };
    let txn = PbTxnRequest { compare: vec![both], ..Default::default() };
    assert!(machine.txn(&txn).unwrap().succeeded);
    machine.put(&put("b", "")).unwrap();
    assert!(!machine.txn(&txn).unwrap().succeeded);
}

#[test]
fn overlapping_writes_are_refused_except_in_branches_that_exclude_each_other() {
    let limits = Limits::default();
    let check = |ops| check_txn(&success(ops), &limits);
    let branches = |then, otherwise| {
        txn_op(PbTxnRequest { success: then, failure: otherwise, ..Default::default() })
    };
    let duplicate = Err(Error::DuplicateKey);
    assert_eq!(check(vec![put_op("a", ""), put_op("a", "")]), duplicate);
    assert_eq!(check(vec![put_op("b", ""), delete_op("a", "c")]), duplicate);
    assert_eq!(check(vec![delete_op("a", "b"), put_op("b", "")]), Ok(()));
    assert_eq!(check(vec![branches(vec![put_op("a", "")], vec![put_op("a", "")])]), Ok(()));
    assert_eq!(check(vec![branches(vec![put_op("a", "")], vec![]), put_op("a", "")]), duplicate);
    let deletes = branches(vec![], vec![delete_op("a", "")]);
    assert_eq!(check(vec![deletes, put_op("a", "")]), duplicate);
}

#[test]
fn nested_transactions_share_the_limit_of_operations() {
    let limits = Limits { txn_ops: 3, ..Limits::default() };
    let puts = |count: usize| (0..count).map(|n| put_op(&n.to_string(), "")).collect::<Vec<_>>();
    assert_eq!(check_txn(&success(puts(3)), &limits), Ok(()));
    assert_eq!(check_txn(&success(puts(4)), &limits), Err(Error::TooManyOps));
    assert_eq!(check_txn(&success(vec![txn_op(success(puts(2)))]), &limits), Ok(()));
    let nested = success(vec![txn_op(success(puts(3)))]);
    assert_eq!(check_txn(&nested, &limits), Err(Error::TooManyOps));
}

#[test]
fn a_revoked_lease_takes_its_keys_in_one_revision() {
    let mut machine = Machine::new();
    machine.grant(7, 10, 2, Duration::ZERO).unwrap();
    for key in ["a", "b", "c"] {
        machine.put(&PbPutRequest { lease: 7, ..put(key, "") }).unwrap();
    }
    // Moved away from the lease, so it stays.
    machine.put(&put("b", "mine")).unwrap();
    machine.revoke(7).unwrap();
    assert_eq!(machine.revision(), 6);
    assert_eq!(keys(&machine, &everything()), ["b"]);
    assert_eq!(machine.revoke(7), Err(Error::LeaseNotFound));
}

#[test]
fn leases_end_when_their_term_is_over_and_not_before() {
    let second = Duration::from_secs(1);
    let mut machine = Machine::new();
    assert_eq!(machine.grant(7, 1, 2, Duration::ZERO), Ok(2));
    assert_eq!(machine.grant(7, 5, 2, Duration::ZERO), Err(Error::LeaseExists));
    assert_eq!(machine.grant(8, MAX_LEASE_TTL + 1, 2, second), Err(Error::LeaseTtlTooLarge));
    assert_eq!(machine.renew(7, second), Ok(2));
    assert_eq!(machine.expired(3 * second - Duration::from_nanos(1)), [0; 0]);
    assert_eq!(machine.expired(3 * second), [7]);
    // Over, even though nobody has carried it out yet.
    assert_eq!(machine.renew(7, 3 * second), Err(Error::LeaseNotFound));
    machine.extend_leases(second, 3 * second);
    assert_eq!(machine.lease(7).unwrap().remaining(3 * second), 3 * second);
}

#[test]
fn what_is_truncated_is_as_if_it_had_not_happened() {
    let mut machine = Machine::new();
    machine.grant(7, 10, 2, Duration::ZERO).unwrap();
    machine.put(&PbPutRequest { lease: 7, ..put("a", "1") }).unwrap();
    let before = machine.save(Duration::ZERO);
    machine.put(&put("a", "2")).unwrap();
    machine.truncate(2);
    assert_eq!(machine.save(Duration::ZERO), before);
    assert!(machine.lease(7).unwrap().keys.contains(&b"a"[..]));
    // The end of a lease is one entry of the log, together with the deletion of its keys.
    machine.revoke(7).unwrap();
    assert_eq!(machine.revision(), 3);
    machine.truncate(2);
    assert_eq!(machine.save(Duration::ZERO), before);
    assert!(machine.lease(7).unwrap().keys.contains(&b"a"[..]));
    // An end that came before is not taken back.
    machine.revoke(7).unwrap();
    machine.put(&put("b", "1")).unwrap();
    machine.truncate(3);
    assert_eq!(machine.lease(7), None);
}

#[test]
fn every_lease_that_a_key_names_exists_whatever_is_truncated() {
    for revision in 1..=9 {
        let mut machine = Machine::new();
        for id in [7, 8] {
            machine.grant(id, 10, 2, Duration::ZERO).unwrap();
            machine.put(&PbPutRequest { lease: id, ..put("a", "1") }).unwrap();
            machine.put(&PbPutRequest { lease: id, ..put("b", "2") }).unwrap();
            machine.delete(&delete("a"));
            machine.revoke(id).unwrap();
        }
        machine.truncate(revision);
        for kv in machine.versions().filter(|kv| kv.lease != 0) {
            let is_newest = machine.value_at(&kv.key, machine.revision()) == Some(kv);
            assert!(!is_newest || machine.lease(kv.lease).is_some(), "revision {revision}: {kv:?}");
        }
    }
}
