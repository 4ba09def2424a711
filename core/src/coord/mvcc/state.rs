//! Keys with their history, and the log of changes.
//!
//! Every key keeps its versions since the last compaction, oldest first. A revision is one entry of
//! the log. While a transaction runs, its changes have the next revision.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::coord::{
    Compare, CompareOp, CompareTarget, Error, Event, EventKind, Key, KeyRange, KeyValue, LeaseId,
    Op, OpResult, Order, Projection, Put, RangeEnd, RangeRequest, RangeResponse, Result, Revision,
    Txn, TxnResponse, check,
};

use super::lease::Leases;

/// The state machine. Time is an argument, and answers are its only output.
#[derive(Debug)]
pub struct State {
    pub(super) revision: Revision,
    /// 0 before the first compaction.
    pub(super) compacted: Revision,
    pub(super) keys: BTreeMap<Key, Vec<Version>>,
    pub(super) log: BTreeMap<Revision, Vec<Event>>,
    pub(super) leases: Leases,
    record: Option<Vec<Event>>,
}

/// A key as of one revision; `kv` is `None` if it was deleted.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) revision: Revision,
    pub(super) kv: Option<KeyValue>,
}

impl State {
    /// An empty store at revision 1. Leases are numbered from `first_lease`.
    pub fn new(first_lease: LeaseId) -> State {
        State {
            revision: 1,
            compacted: 0,
            keys: BTreeMap::new(),
            log: BTreeMap::new(),
            leases: Leases::new(first_lease),
            record: None,
        }
    }

    /// Records every event for [`State::recorded`], also after it is compacted.
    pub fn keep_record(&mut self) {
        self.record = Some(Vec::new());
    }

    pub fn recorded(&self) -> &[Event] {
        self.record.as_deref().unwrap_or_default()
    }

    /// The newest revision.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The oldest revision that can be read and watched from.
    pub fn oldest(&self) -> Revision {
        self.compacted.max(1)
    }

    /// The changes from one revision to another, both included, that are not compacted.
    pub fn log(
        &self,
        first: Revision,
        last: Revision,
    ) -> impl Iterator<Item = (Revision, &[Event])> {
        let entries = self.log.range(first..);
        let entries = entries.take_while(move |(revision, _)| **revision <= last);
        entries.map(|(revision, events)| (*revision, &events[..]))
    }

    /// Reads as if `newest` were the newest revision.
    pub fn range(&self, request: &RangeRequest, newest: Revision) -> Result<RangeResponse> {
        check::range(request)?;
        self.check_readable(request, newest)?;
        Ok(self.read(request, newest))
    }

    /// Applies a transaction at the next revision.
    pub fn txn(&mut self, txn: &Txn) -> Result<TxnResponse> {
        check::txn(txn)?;
        let succeeded = txn.compares.iter().all(|compare| self.holds(compare));
        let branch = if succeeded { &txn.then } else { &txn.otherwise };
        self.check_branch(branch)?;
        let mut changes = Vec::new();
        let results = branch.iter().map(|op| self.apply(op, &mut changes));
        let results = results.collect();
        self.commit(changes);
        Ok(TxnResponse { revision: self.revision, succeeded, results })
    }

    /// Drops the versions that only reads before `revision` need.
    pub fn compact(&mut self, revision: Revision) -> Result<()> {
        check::revision(revision)?;
        if revision <= self.compacted {
            let oldest = self.oldest();
            return Err(Error::Compacted { oldest });
        }
        self.check_not_future(revision, self.revision)?;
        self.compacted = revision;
        self.keys.retain(|_, versions| {
            let newer = versions.partition_point(|version| version.revision <= revision);
            let alive = newer > 0 && versions[newer - 1].kv.is_some();
            versions.drain(..newer.saturating_sub(usize::from(alive)));
            !versions.is_empty()
        });
        self.log = self.log.split_off(&revision);
        // The values that these events replaced are compacted.
        for event in self.log.get_mut(&revision).into_iter().flatten() {
            event.prev = None;
        }
        Ok(())
    }

    /// The version of a key at `revision`, or the newest one.
    fn version(&self, key: &[u8], revision: Revision) -> Option<&KeyValue> {
        live(self.keys.get(key)?, revision)
    }

    pub(super) fn current(&self, key: &[u8]) -> Option<&KeyValue> {
        self.version(key, Revision::MAX)
    }

    fn check_branch(&self, ops: &[Op]) -> Result<()> {
        for op in ops {
            match op {
                Op::Put(Put { lease: Some(id), .. }) => self.leases.check(*id)?,
                Op::Range(request) => self.check_readable(request, self.revision)?,
                Op::Put(_) | Op::Delete { .. } => {}
            }
        }
        Ok(())
    }

    fn check_readable(&self, request: &RangeRequest, newest: Revision) -> Result<()> {
        let Some(revision) = request.revision else {
            return Ok(());
        };
        self.check_not_future(revision, newest)?;
        if revision < self.oldest() {
            let oldest = self.oldest();
            return Err(Error::Compacted { oldest });
        }
        Ok(())
    }

    fn check_not_future(&self, requested: Revision, newest: Revision) -> Result<()> {
        if requested > newest {
            return Err(Error::FutureRevision { requested, newest });
        }
        Ok(())
    }

    fn read(&self, request: &RangeRequest, newest: Revision) -> RangeResponse {
        let at = request.revision.unwrap_or(newest);
        let mut found: Vec<&KeyValue> = self.live_in(&request.range, at).collect();
        let count = found.len();
        if request.order == Order::Descending {
            found.reverse();
        }
        match (request.projection, request.limit) {
            (Projection::CountOnly, _) => found.clear(),
            (_, 0) => {}
            (_, limit) => found.truncate(limit),
        }
        let counted = request.projection == Projection::CountOnly;
        let more = !counted && found.len() < count;
        let kvs = found.into_iter().map(|kv| match request.projection {
            Projection::KeysOnly => KeyValue { value: Default::default(), ..kv.clone() },
            Projection::Full | Projection::CountOnly => kv.clone(),
        });
        RangeResponse { revision: newest, kvs: kvs.collect(), count, more }
    }

    /// The keys of a range that exist at a revision, in order.
    fn live_in(&self, range: &KeyRange, at: Revision) -> impl Iterator<Item = &KeyValue> {
        let end = match &range.end {
            RangeEnd::Single => Bound::Included(range.start.clone()),
            RangeEnd::Unbounded => Bound::Unbounded,
            // A range that ends before it starts is empty; the map would panic.
            RangeEnd::Before(end) => Bound::Excluded(end.max(&range.start).clone()),
        };
        let keys = self.keys.range((Bound::Included(range.start.clone()), end));
        keys.filter_map(move |(_, versions)| live(versions, at))
    }

    fn holds(&self, compare: &Compare) -> bool {
        let kv = self.current(&compare.key);
        let number = |field: fn(&KeyValue) -> i64| kv.map_or(0, field);
        let order = match &compare.target {
            CompareTarget::ModRevision(given) => number(|kv| kv.mod_revision).cmp(given),
            CompareTarget::CreateRevision(given) => number(|kv| kv.create_revision).cmp(given),
            CompareTarget::Version(given) => number(|kv| kv.version).cmp(given),
            CompareTarget::Lease(given) => kv.and_then(|kv| kv.lease).cmp(given),
            CompareTarget::Value(given) => match kv {
                Some(kv) => kv.value.cmp(given),
                None => return false,
            },
        };
        match compare.op {
            CompareOp::Equal => order.is_eq(),
            CompareOp::NotEqual => order.is_ne(),
            CompareOp::Greater => order.is_gt(),
            CompareOp::Less => order.is_lt(),
        }
    }

    fn apply(&mut self, op: &Op, changes: &mut Vec<Event>) -> OpResult {
        match op {
            Op::Put(put) => {
                let prev = self.put(put, changes);
                let prev = prev.filter(|_| put.prev_kv);
                OpResult::Put { prev }
            }
            Op::Delete { range, prev_kv } => {
                let mut prev = self.delete(range, changes);
                let deleted = prev.len();
                if !prev_kv {
                    prev.clear();
                }
                OpResult::Delete { deleted, prev }
            }
            Op::Range(request) => {
                let newest = self.revision + Revision::from(!changes.is_empty());
                OpResult::Range(self.read(request, newest))
            }
        }
    }

    fn put(&mut self, put: &Put, changes: &mut Vec<Event>) -> Option<KeyValue> {
        let revision = self.revision + 1;
        let prev = self.current(&put.key).cloned();
        let kv = KeyValue {
            key: put.key.clone(),
            value: put.value.clone(),
            create_revision: prev.as_ref().map_or(revision, |prev| prev.create_revision),
            mod_revision: revision,
            version: prev.as_ref().map_or(0, |prev| prev.version) + 1,
            lease: put.lease,
        };
        self.change(EventKind::Put, kv, prev.clone(), changes);
        prev
    }

    /// Deletes the keys of a range, and answers them.
    pub(super) fn delete(&mut self, range: &KeyRange, changes: &mut Vec<Event>) -> Vec<KeyValue> {
        let found: Vec<KeyValue> = self.live_in(range, Revision::MAX).cloned().collect();
        for prev in &found {
            let kv = tombstone(prev.key.clone(), self.revision + 1);
            self.change(EventKind::Delete, kv, Some(prev.clone()), changes);
        }
        found
    }

    pub(super) fn change(
        &mut self,
        kind: EventKind,
        kv: KeyValue,
        prev: Option<KeyValue>,
        changes: &mut Vec<Event>,
    ) {
        let held_by = prev.as_ref().and_then(|prev| prev.lease);
        self.leases.move_key(&kv.key, held_by, kv.lease);
        let versions = self.keys.entry(kv.key.clone()).or_default();
        versions.push(Version {
            revision: kv.mod_revision,
            kv: (kind == EventKind::Put).then(|| kv.clone()),
        });
        changes.push(Event { kind, kv, prev });
    }

    /// Commits the changes as the next revision, if there are any.
    pub(super) fn commit(&mut self, changes: Vec<Event>) {
        if changes.is_empty() {
            return;
        }
        self.revision += 1;
        if let Some(record) = &mut self.record {
            record.extend_from_slice(&changes);
        }
        self.log.insert(self.revision, changes);
    }
}

fn live(versions: &[Version], at: Revision) -> Option<&KeyValue> {
    let newer = versions.partition_point(|version| version.revision <= at);
    versions[..newer].last()?.kv.as_ref()
}

fn tombstone(key: Key, revision: Revision) -> KeyValue {
    KeyValue {
        key,
        value: Default::default(),
        create_revision: 0,
        mod_revision: revision,
        version: 0,
        lease: None,
    }
}
