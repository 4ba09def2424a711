//! Random operations on few keys, so that they meet.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::coord::{
    Compare, CompareOp, CompareTarget, Key, KeyRange, LeaseId, Op, Projection, Put, RangeEnd,
    RangeRequest, Revision, Txn, WatchRequest,
};

#[derive(Debug, Clone)]
pub(super) enum Step {
    Range(RangeRequest),
    Txn(Txn),
    Watch(WatchRequest),
    Compact(Revision),
    Grant { ttl_s: u64 },
    KeepAlive(LeaseId),
    Revoke(LeaseId),
    Advance { by_s: u64 },
}

fn keys() -> impl Strategy<Value = Key> {
    let names = ["a", "a/1", "a/2", "b", "b\u{7f}", "c"];
    prop::sample::select(names.map(Key::from).to_vec())
}

fn ranges() -> impl Strategy<Value = KeyRange> {
    prop_oneof![
        4 => keys().prop_map(KeyRange::single),
        2 => keys().prop_map(KeyRange::prefix),
        2 => (keys(), keys()).prop_map(|(start, end)| KeyRange::between(start, end)),
        1 => Just(KeyRange::prefix("")),
        1 => keys().prop_map(|start| KeyRange { start, end: RangeEnd::Unbounded }),
    ]
}

/// Stands for the n-th lease granted; the run puts the real one in its place.
fn leases() -> impl Strategy<Value = LeaseId> {
    (0..4i64).prop_map(LeaseId)
}

fn revisions() -> impl Strategy<Value = Revision> {
    0..40i64
}

fn range_requests() -> impl Strategy<Value = RangeRequest> {
    let projection = prop_oneof![
        Just(Projection::Full),
        Just(Projection::KeysOnly),
        Just(Projection::CountOnly)
    ];
    let revision = option::weighted(0.3, revisions());
    let parts = (ranges(), revision, 0..4usize, any::<bool>(), projection);
    parts.prop_map(|(range, revision, limit, descending, projection)| {
        let mut request = RangeRequest::new(range).limit(limit).projection(projection);
        request.revision = revision;
        if descending { request.descending() } else { request }
    })
}

fn ops() -> impl Strategy<Value = Op> {
    let put = (keys(), 0..4u8, option::weighted(0.3, leases()), any::<bool>());
    let put = put.prop_map(|(key, value, lease, prev_kv)| Put {
        key,
        value: vec![value].into(),
        lease,
        prev_kv,
    });
    prop_oneof![
        5 => put.prop_map(Op::Put),
        2 => (ranges(), any::<bool>()).prop_map(|(range, prev_kv)| Op::Delete { range, prev_kv }),
        2 => range_requests().prop_map(Op::Range),
    ]
}

fn compares() -> impl Strategy<Value = Compare> {
    let target = prop_oneof![
        revisions().prop_map(CompareTarget::ModRevision),
        revisions().prop_map(CompareTarget::CreateRevision),
        (0..4i64).prop_map(CompareTarget::Version),
        (0..4u8).prop_map(|value| CompareTarget::Value(vec![value].into())),
        option::of(leases()).prop_map(CompareTarget::Lease),
    ];
    let op = prop_oneof![
        Just(CompareOp::Equal),
        Just(CompareOp::NotEqual),
        Just(CompareOp::Greater),
        Just(CompareOp::Less)
    ];
    (keys(), op, target).prop_map(|(key, op, target)| Compare { key, op, target })
}

pub(super) fn steps() -> impl Strategy<Value = Step> {
    let txn = (vec(compares(), 0..2), vec(ops(), 0..4), vec(ops(), 0..3));
    let txn = txn.prop_map(|(compares, then, otherwise)| Txn { compares, then, otherwise });
    let watch = (ranges(), option::of(revisions()), any::<bool>());
    let watch = watch.prop_map(|(range, start, prev_kv)| WatchRequest { range, start, prev_kv });
    prop_oneof![
        12 => txn.prop_map(Step::Txn),
        3 => range_requests().prop_map(Step::Range),
        3 => watch.prop_map(Step::Watch),
        2 => revisions().prop_map(Step::Compact),
        2 => (0..9u64).prop_map(|ttl_s| Step::Grant { ttl_s }),
        1 => leases().prop_map(Step::KeepAlive),
        1 => leases().prop_map(Step::Revoke),
        2 => (0..4u64).prop_map(|by_s| Step::Advance { by_s }),
    ]
}
