//! Random operations on [`Memory`] agree with a model too naive to be wrong: a list of snapshots.
//!
//! The model shares no code with the state machine. It knows every revision as a whole map, and
//! what a watch must deliver is the difference of neighbouring maps.

mod run;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use run::run;
use steps::steps;

use super::*;
use crate::coord::{
    Compare, CompareOp, CompareTarget, Error, EventKind, Key, KeyRange, Op, OpResult, Order,
    Projection, Put, RangeEnd,
};
use crate::env::ManualClock;

type Snapshot = BTreeMap<Key, KeyValue>;

/// An error without its text, for comparing.
fn kind(error: Error) -> Error {
    let reason = String::new();
    match error {
        Error::Invalid { .. } => Error::Invalid { reason },
        Error::TooLarge { .. } => Error::TooLarge { reason },
        other => other,
    }
}

fn invalid<T>() -> Result<T> {
    let reason = String::new();
    Err(Error::Invalid { reason })
}

struct Model {
    /// Revision n is the entry n - 1.
    snapshots: Vec<Snapshot>,
    compacted: Revision,
    /// Time to live and deadline in seconds.
    leases: BTreeMap<LeaseId, (u64, u64)>,
    now_s: u64,
}

impl Model {
    fn newest(&self) -> Revision {
        self.snapshots.len() as Revision
    }

    fn at(&self, revision: Revision) -> &Snapshot {
        &self.snapshots[revision as usize - 1]
    }

    fn commit(&mut self, next: Snapshot) {
        if next != *self.at(self.newest()) {
            self.snapshots.push(next);
        }
    }

    fn advance(&mut self, by_s: u64) {
        self.now_s += by_s;
        let over = self.leases.iter().filter(|(_, (_, deadline))| *deadline <= self.now_s);
        let mut over: Vec<_> = over.map(|(id, (_, deadline))| (*deadline, *id)).collect();
        over.sort();
        for (_, id) in over {
            self.revoke(id).expect("it is there");
        }
    }

    fn revoke(&mut self, id: LeaseId) -> Result<()> {
        self.leases.remove(&id).ok_or(Error::LeaseNotExist(id))?;
        let mut next = self.at(self.newest()).clone();
        next.retain(|_, kv| kv.lease != Some(id));
        self.commit(next);
        Ok(())
    }

    fn keep_alive(&mut self, id: LeaseId) -> Result<Duration> {
        let lease = self.leases.get_mut(&id).ok_or(Error::LeaseNotExist(id))?;
        lease.1 = self.now_s + lease.0;
        Ok(Duration::from_secs(lease.0))
    }

    fn compact(&mut self, revision: Revision) -> Result<()> {
        match revision {
            ..1 => invalid(),
            requested if requested > self.newest() => {
                Err(Error::FutureRevision { requested, newest: self.newest() })
            }
            _ if revision <= self.compacted => Err(Error::Compacted { oldest: self.compacted }),
            _ => {
                self.compacted = revision;
                Ok(())
            }
        }
    }

    fn range(&self, request: &RangeRequest) -> Result<RangeResponse> {
        valid_range(&request.range)?;
        match request.revision {
            Some(..1) => invalid(),
            Some(requested) if requested > self.newest() => {
                Err(Error::FutureRevision { requested, newest: self.newest() })
            }
            Some(revision) if revision < self.compacted => {
                Err(Error::Compacted { oldest: self.compacted })
            }
            revision => {
                let snapshot = self.at(revision.unwrap_or(self.newest()));
                Ok(read(snapshot, request, self.newest()))
            }
        }
    }

    fn txn(&mut self, txn: &Txn) -> Result<TxnResponse> {
        for branch in [&txn.then, &txn.otherwise] {
            valid_branch(branch)?;
        }
        let mut next = self.at(self.newest()).clone();
        let succeeded = txn.compares.iter().all(|compare| holds(&next, compare));
        let branch = if succeeded { &txn.then } else { &txn.otherwise };
        for op in branch {
            match op {
                Op::Range(request) => drop(self.range(request)?),
                Op::Put(Put { lease: Some(id), .. }) if !self.leases.contains_key(id) => {
                    return Err(Error::LeaseNotExist(*id));
                }
                Op::Put(_) | Op::Delete { .. } => {}
            }
        }
        let before = self.newest();
        let results = branch.iter().map(|op| self.apply(&mut next, op, before));
        let results = results.collect();
        self.commit(next);
        Ok(TxnResponse { revision: self.newest(), succeeded, results })
    }

    fn apply(&self, next: &mut Snapshot, op: &Op, before: Revision) -> OpResult {
        match op {
            Op::Put(put) => {
                let old = next.get(&put.key).cloned();
                let (create_revision, version) = match &old {
                    Some(old) => (old.create_revision, old.version + 1),
                    None => (before + 1, 1),
                };
                let kv = KeyValue {
                    key: put.key.clone(),
                    value: put.value.clone(),
                    create_revision,
                    mod_revision: before + 1,
                    version,
                    lease: put.lease,
                };
                next.insert(put.key.clone(), kv);
                let prev = if put.prev_kv { old } else { None };
                OpResult::Put { prev }
            }
            Op::Delete { range, prev_kv } => {
                let gone = next.values().filter(|kv| within(range, &kv.key)).cloned();
                let gone: Vec<KeyValue> = gone.collect();
                next.retain(|key, _| !within(range, key));
                OpResult::Delete { deleted: gone.len(), prev: if *prev_kv { gone } else { vec![] } }
            }
            Op::Range(request) => OpResult::Range(match request.revision {
                Some(revision) => {
                    let changed = *next != *self.at(before);
                    let newest = before + Revision::from(changed);
                    read(self.at(revision), request, newest)
                }
                None => {
                    let changed = *next != *self.at(before);
                    read(next, request, before + Revision::from(changed))
                }
            }),
        }
    }

    /// The events that a watch of `range` delivers for a revision, in the order of keys.
    fn events(&self, revision: Revision, request: &WatchRequest) -> Vec<Event> {
        if revision < 2 {
            return vec![];
        }
        let (old, new) = (self.at(revision - 1), self.at(revision));
        let keys: BTreeSet<&Key> = old.keys().chain(new.keys()).collect();
        let changed = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
        let mine = changed.filter(|key| within(&request.range, key));
        let event = |key: &Key| Event {
            kind: match new.contains_key(key) {
                true => EventKind::Put,
                false => EventKind::Delete,
            },
            kv: new.get(key).cloned().unwrap_or(KeyValue {
                key: key.clone(),
                value: "".into(),
                create_revision: 0,
                mod_revision: revision,
                version: 0,
                lease: None,
            }),
            prev: old.get(key).filter(|_| request.prev_kv).cloned(),
        };
        mine.map(event).collect()
    }
}

fn within(range: &KeyRange, key: &[u8]) -> bool {
    match &range.end {
        RangeEnd::Single => range.start == key,
        RangeEnd::Before(end) => &range.start[..] <= key && key < &end[..],
        RangeEnd::Unbounded => &range.start[..] <= key,
    }
}

fn valid_range(range: &KeyRange) -> Result<()> {
    match range.end == RangeEnd::Single && range.start.is_empty() {
        true => invalid(),
        false => Ok(()),
    }
}

fn valid_branch(ops: &[Op]) -> Result<()> {
    for (index, op) in ops.iter().enumerate() {
        let clash = |other: &Op| match (op, other) {
            (Op::Put(one), Op::Put(other)) => one.key == other.key,
            (Op::Put(put), Op::Delete { range, .. }) => within(range, &put.key),
            _ => false,
        };
        let others = ops[..index].iter().chain(&ops[index + 1..]);
        let refused = match op {
            Op::Put(put) => put.key.is_empty(),
            Op::Delete { range, .. } => valid_range(range).is_err(),
            Op::Range(request) => {
                valid_range(&request.range).is_err() || request.revision == Some(0)
            }
        };
        if refused || others.into_iter().any(clash) {
            return invalid();
        }
    }
    Ok(())
}

fn read(snapshot: &Snapshot, request: &RangeRequest, revision: Revision) -> RangeResponse {
    let found = snapshot.values().filter(|kv| within(&request.range, &kv.key));
    let mut kvs: Vec<KeyValue> = found.cloned().collect();
    let count = kvs.len();
    if request.order == Order::Descending {
        kvs.reverse();
    }
    let mut more = false;
    if request.limit > 0 && kvs.len() > request.limit {
        kvs.truncate(request.limit);
        more = true;
    }
    match request.projection {
        Projection::Full => {}
        Projection::KeysOnly => kvs.iter_mut().for_each(|kv| kv.value = "".into()),
        Projection::CountOnly => (kvs, more) = (vec![], false),
    }
    RangeResponse { revision, kvs, count, more }
}

fn holds(snapshot: &Snapshot, compare: &Compare) -> bool {
    let kv = snapshot.get(&compare.key);
    let number = |of: fn(&KeyValue) -> i64| kv.map(of).unwrap_or(0);
    let order = match &compare.target {
        CompareTarget::ModRevision(n) => number(|kv| kv.mod_revision).cmp(n),
        CompareTarget::CreateRevision(n) => number(|kv| kv.create_revision).cmp(n),
        CompareTarget::Version(n) => number(|kv| kv.version).cmp(n),
        CompareTarget::Lease(id) => {
            let number = |id: Option<LeaseId>| id.map_or(0, |id| id.0);
            number(kv.and_then(|kv| kv.lease)).cmp(&number(*id))
        }
        CompareTarget::Value(value) => {
            let Some(kv) = kv else { return false };
            kv.value.cmp(value)
        }
    };
    match compare.op {
        CompareOp::Equal => order.is_eq(),
        CompareOp::NotEqual => !order.is_eq(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::Less => order.is_lt(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000,
        failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_agrees_with_a_list_of_snapshots(steps in vec(steps(), 1..60)) {
        run(steps);
    }
}
