//! What is asked, with revisions and leases counted from where a sequence begins.

use etcd_client::{CompareOp, SortOrder, SortTarget};
use proptest::prelude::*;

#[derive(Debug, Clone)]
pub enum Op {
    Put(Put),
    Get(Get),
    Delete(Delete),
    Txn(Txn),
    Compact(i64),
    Grant(i64),
    Revoke(i64),
    KeepAlive(i64),
    TimeToLive(i64),
    /// Everything from a revision on.
    Watch(i64),
}

pub const KINDS: [&str; 10] = [
    "put",
    "get",
    "delete",
    "txn",
    "compact",
    "grant",
    "revoke",
    "keep-alive",
    "time-to-live",
    "watch",
];

#[derive(Debug, Clone)]
pub struct Put {
    pub key: String,
    pub value: String,
    /// 0: none.
    pub lease: i64,
    pub prev: bool,
    pub ignore_value: bool,
    pub ignore_lease: bool,
}

#[derive(Debug, Clone)]
pub struct Get {
    pub key: String,
    pub end: End,
    pub revision: Option<i64>,
    pub limit: i64,
    pub sort: (SortTarget, SortOrder),
    pub min_mod: Option<i64>,
    pub max_create: Option<i64>,
    pub keys_only: bool,
    pub count_only: bool,
}

#[derive(Debug, Clone)]
pub struct Delete {
    pub key: String,
    pub end: End,
    pub prev: bool,
}

#[derive(Debug, Clone)]
pub enum End {
    Single,
    FromKey,
    Before(String),
}

#[derive(Debug, Clone)]
pub struct Txn {
    pub compares: Vec<Compare>,
    pub then: Vec<Op>,
    pub otherwise: Vec<Op>,
}

#[derive(Debug, Clone)]
pub struct Compare {
    pub key: String,
    pub end: Option<String>,
    pub with: CompareOp,
    pub target: Target,
}

#[derive(Debug, Clone)]
pub enum Target {
    Version(i64),
    Create(i64),
    Mod(i64),
    Value(String),
    Lease(i64),
}

impl Op {
    pub fn kind(&self) -> &'static str {
        let index = match self {
            Op::Put(_) => 0,
            Op::Get(_) => 1,
            Op::Delete(_) => 2,
            Op::Txn(_) => 3,
            Op::Compact(_) => 4,
            Op::Grant(_) => 5,
            Op::Revoke(_) => 6,
            Op::KeepAlive(_) => 7,
            Op::TimeToLive(_) => 8,
            Op::Watch(_) => 9,
        };
        KINDS[index]
    }
}

pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => put().prop_map(Op::Put),
        5 => get().prop_map(Op::Get),
        3 => delete().prop_map(Op::Delete),
        3 => txn(2, Writes::Puts).prop_map(Op::Txn),
        3 => txn(2, Writes::PutsAndDeletes).prop_map(Op::Txn),
        2 => (0..8_i64).prop_map(Op::Compact),
        2 => lease().prop_map(Op::Grant),
        1 => lease().prop_map(Op::Revoke),
        1 => lease().prop_map(Op::KeepAlive),
        1 => lease().prop_map(Op::TimeToLive),
        2 => (0..4_i64).prop_map(Op::Watch),
    ];
    prop::collection::vec(op, 1..30)
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![1 => Just(String::new()), 30 => "[a-d]", 10 => "[a-d][a-b]"]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![3 => Just(End::Single), 1 => Just(End::FromKey), 2 => "[a-e]".prop_map(End::Before)]
}

fn revision() -> impl Strategy<Value = i64> {
    0..14_i64
}

fn lease() -> impl Strategy<Value = i64> {
    1..4_i64
}

fn put() -> impl Strategy<Value = Put> {
    let lease = prop_oneof![3 => Just(0), 1 => lease()];
    let rarely = || prop::bool::weighted(0.15);
    (key(), "[x-z]?", lease, any::<bool>(), rarely(), rarely()).prop_map(
        |(key, value, lease, prev, ignore_value, ignore_lease)| {
            // Mostly consistent, so that puts mostly succeed.
            let value = if ignore_value && prev { String::new() } else { value };
            let lease = if ignore_lease && prev { 0 } else { lease };
            Put { key, value, lease, prev, ignore_value, ignore_lease }
        },
    )
}

fn get() -> impl Strategy<Value = Get> {
    let target = prop::sample::select(vec![
        SortTarget::Key,
        SortTarget::Version,
        SortTarget::Create,
        SortTarget::Mod,
        SortTarget::Value,
    ]);
    let order = prop::sample::select(vec![SortOrder::None, SortOrder::Ascend, SortOrder::Descend]);
    let filter = || prop::option::weighted(0.2, revision());
    let range = (key(), end(), prop::option::weighted(0.3, revision()), 0..4_i64);
    let rarely = || prop::bool::weighted(0.2);
    (range, (target, order), filter(), filter(), rarely(), rarely()).prop_map(
        |((key, end, revision, limit), sort, min_mod, max_create, keys_only, count_only)| Get {
            key,
            end,
            revision,
            limit,
            sort,
            min_mod,
            max_create,
            keys_only,
            count_only,
        },
    )
}

fn delete() -> impl Strategy<Value = Delete> {
    (key(), end(), any::<bool>()).prop_map(|(key, end, prev)| Delete { key, end, prev })
}

fn compare() -> impl Strategy<Value = Compare> {
    let with = prop::sample::select(vec![
        CompareOp::Equal,
        CompareOp::NotEqual,
        CompareOp::Greater,
        CompareOp::Less,
    ]);
    let target = prop_oneof![
        (0..3_i64).prop_map(Target::Version),
        revision().prop_map(Target::Create),
        revision().prop_map(Target::Mod),
        "[x-z]?".prop_map(Target::Value),
        (0..4_i64).prop_map(Target::Lease),
    ];
    (key(), prop::option::weighted(0.2, "[b-e]"), with, target)
        .prop_map(|(key, end, with, target)| Compare { key, end, with, target })
}

/// A key deleted by a transaction that later puts it and ignores its value crashes etcd.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Writes {
    Puts,
    PutsAndDeletes,
}

fn txn(depth: u32, writes: Writes) -> BoxedStrategy<Txn> {
    let plain = |put: Put| Put { ignore_value: false, ignore_lease: false, ..put };
    let write = match writes {
        Writes::Puts => put().prop_map(Op::Put).boxed(),
        Writes::PutsAndDeletes => prop_oneof![
            put().prop_map(move |put| Op::Put(plain(put))),
            delete().prop_map(Op::Delete),
        ]
        .boxed(),
    };
    let simple = prop_oneof![2 => write, 1 => get().prop_map(Op::Get)];
    let op = match depth {
        0 => simple.boxed(),
        _ => prop_oneof![4 => simple, 1 => txn(depth - 1, writes).prop_map(Op::Txn)].boxed(),
    };
    let branch = || prop::collection::vec(op.clone(), 0..4);
    (prop::collection::vec(compare(), 0..3), branch(), branch())
        .prop_map(|(compares, then, otherwise)| Txn { compares, then, otherwise })
        .boxed()
}
