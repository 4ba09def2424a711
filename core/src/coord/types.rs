//! Requests and answers of [`Coordination`](super::Coordination).

use std::time::Duration;

use bytes::Bytes;

pub type Key = Bytes;
pub type Value = Bytes;
/// Counts the changes of the store; 1 when it is empty and new.
pub type Revision = i64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub id: LeaseId,
    pub ttl: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    pub key: Key,
    pub value: Value,
    /// The revision at which the key was created, the last time.
    pub create_revision: Revision,
    /// The revision at which it was last written.
    pub mod_revision: Revision,
    /// The number of writes since it was created, the first included.
    pub version: i64,
    pub lease: Option<LeaseId>,
}

/// A half-open range of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    pub start: Key,
    pub end: RangeEnd,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeEnd {
    /// Only the start key.
    Single,
    /// Up to, not including, this key.
    Before(Key),
    /// To the end of the key space.
    Unbounded,
}

impl KeyRange {
    pub fn single(key: impl Into<Key>) -> KeyRange {
        KeyRange { start: key.into(), end: RangeEnd::Single }
    }

    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: impl Into<Key>) -> KeyRange {
        let start: Key = prefix.into();
        let mut end = start.to_vec();
        while end.last() == Some(&0xff) {
            end.pop();
        }
        let end = match end.last_mut() {
            Some(last) => {
                *last += 1;
                RangeEnd::Before(end.into())
            }
            None => RangeEnd::Unbounded,
        };
        KeyRange { start, end }
    }

    pub fn between(start: impl Into<Key>, end: impl Into<Key>) -> KeyRange {
        KeyRange { start: start.into(), end: RangeEnd::Before(end.into()) }
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        match &self.end {
            RangeEnd::Single => key == self.start,
            RangeEnd::Before(end) => key >= &self.start[..] && key < &end[..],
            RangeEnd::Unbounded => key >= &self.start[..],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// The parts of each key that a range answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projection {
    Full,
    /// Without values.
    KeysOnly,
    /// Only the count.
    CountOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    Linearizable,
    /// Answered by the member that is asked, possibly from an old state.
    Serializable,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeRequest {
    pub range: KeyRange,
    /// The revision at which the store is read; `None`: the newest.
    pub revision: Option<Revision>,
    /// 0: no limit.
    pub limit: usize,
    pub order: Order,
    pub projection: Projection,
    pub consistency: Consistency,
}

impl RangeRequest {
    pub fn new(range: KeyRange) -> RangeRequest {
        RangeRequest {
            range,
            revision: None,
            limit: 0,
            order: Order::Ascending,
            projection: Projection::Full,
            consistency: Consistency::Linearizable,
        }
    }

    pub fn at(mut self, revision: Revision) -> RangeRequest {
        self.revision = Some(revision);
        self
    }

    pub fn limit(mut self, limit: usize) -> RangeRequest {
        self.limit = limit;
        self
    }

    pub fn descending(mut self) -> RangeRequest {
        self.order = Order::Descending;
        self
    }

    pub fn projection(mut self, projection: Projection) -> RangeRequest {
        self.projection = projection;
        self
    }

    pub fn serializable(mut self) -> RangeRequest {
        self.consistency = Consistency::Serializable;
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeResponse {
    /// The store's revision when it answered (not the one read).
    pub revision: Revision,
    pub kvs: Vec<KeyValue>,
    /// The number of keys in the range, regardless of the limit.
    pub count: usize,
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompareTarget {
    /// 0 for a key that does not exist, as for the two below.
    ModRevision(Revision),
    CreateRevision(Revision),
    Version(i64),
    Value(Value),
    /// `None` for a key without a lease, or that does not exist; less than any lease.
    Lease(Option<LeaseId>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    Equal,
    NotEqual,
    Greater,
    Less,
}

/// Holds if the key's actual value of `target` compares to the given one as `op` demands. A compare
/// of the value of a key that does not exist never holds, whatever `op` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    pub key: Key,
    pub op: CompareOp,
    pub target: CompareTarget,
}

impl Compare {
    pub fn equal(key: impl Into<Key>, target: CompareTarget) -> Compare {
        Compare { key: key.into(), op: CompareOp::Equal, target }
    }

    pub fn mod_revision(key: impl Into<Key>, revision: Revision) -> Compare {
        Compare::equal(key, CompareTarget::ModRevision(revision))
    }

    pub fn absent(key: impl Into<Key>) -> Compare {
        Compare::equal(key, CompareTarget::CreateRevision(0))
    }

    /// The key still has the value that was read; `None`: it still does not exist.
    pub fn unchanged(key: impl Into<Key>, value: Option<Value>) -> Compare {
        match value {
            Some(value) => Compare::equal(key, CompareTarget::Value(value)),
            None => Compare::absent(key),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    pub key: Key,
    pub value: Value,
    pub lease: Option<LeaseId>,
    pub prev_kv: bool,
}

impl Put {
    pub fn new(key: impl Into<Key>, value: impl Into<Value>) -> Put {
        Put { key: key.into(), value: value.into(), lease: None, prev_kv: false }
    }

    pub fn lease(mut self, lease: LeaseId) -> Put {
        self.lease = Some(lease);
        self
    }

    pub fn prev_kv(mut self) -> Put {
        self.prev_kv = true;
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    Put(Put),
    Delete { range: KeyRange, prev_kv: bool },
    Range(RangeRequest),
}

impl Op {
    pub fn put(key: impl Into<Key>, value: impl Into<Value>) -> Op {
        Op::Put(Put::new(key, value))
    }

    pub fn delete(range: KeyRange) -> Op {
        Op::Delete { range, prev_kv: false }
    }

    pub fn get(key: impl Into<Key>) -> Op {
        Op::Range(RangeRequest::new(KeyRange::single(key)))
    }
}

/// Operations see the ones before them. Within a branch a key is put at most once, and not deleted
/// by a range that holds it; at most [`MAX_TXN_OPS`] compares or operations in each list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Txn {
    pub compares: Vec<Compare>,
    pub then: Vec<Op>,
    pub otherwise: Vec<Op>,
}

/// etcd's default limit on the operations of a transaction.
pub const MAX_TXN_OPS: usize = 128;
/// etcd's default limit on the bytes of a request.
pub const MAX_REQUEST_BYTES: usize = 1_572_864;

impl Txn {
    pub fn when(mut self, compare: Compare) -> Txn {
        self.compares.push(compare);
        self
    }

    pub fn then(mut self, op: Op) -> Txn {
        self.then.push(op);
        self
    }

    pub fn otherwise(mut self, op: Op) -> Txn {
        self.otherwise.push(op);
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxnResponse {
    /// The store's revision after it.
    pub revision: Revision,
    /// Whether the compares held.
    pub succeeded: bool,
    /// One for each operation of the branch taken.
    pub results: Vec<OpResult>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpResult {
    Put { prev: Option<KeyValue> },
    Delete { deleted: usize, prev: Vec<KeyValue> },
    Range(RangeResponse),
}

impl OpResult {
    /// The first key of a range's answer.
    pub fn first(&self) -> Option<&KeyValue> {
        match self {
            OpResult::Range(range) => range.kvs.first(),
            OpResult::Put { .. } | OpResult::Delete { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRequest {
    pub range: KeyRange,
    /// The first revision delivered; `None`: the next one.
    pub start: Option<Revision>,
    pub prev_kv: bool,
}

impl WatchRequest {
    pub fn new(range: KeyRange) -> WatchRequest {
        WatchRequest { range, start: None, prev_kv: false }
    }

    pub fn from(mut self, revision: Revision) -> WatchRequest {
        self.start = Some(revision);
        self
    }

    pub fn prev_kv(mut self) -> WatchRequest {
        self.prev_kv = true;
        self
    }
}

/// Whole revisions, at least one event, or none for a progress notice: then everything up to
/// `revision` has been delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchBatch {
    pub revision: Revision,
    pub events: Vec<Event>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    Put,
    Delete,
}

/// A deletion's `kv` holds the key and, as `mod_revision`, the revision of the deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: EventKind,
    pub kv: KeyValue,
    pub prev: Option<KeyValue>,
}
