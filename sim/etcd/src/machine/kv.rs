//! Keys with their history.
//!
//! Every key keeps its versions since the last compaction, oldest first; a deletion is a version
//! too, with the number 0. While a transaction runs, its changes stand at the next revision.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use etcd_client::proto::{
    PbCompactionRequest, PbDeleteRequest, PbDeleteResponse, PbEvent, PbKeyValue, PbPutRequest,
    PbPutResponse, PbResponseHeader,
};
use etcd_client::{AlarmType, EventType};

use super::lease::Lease;
use super::span::Span;
use crate::error::{Error, Result};

/// What a version costs on disk beyond its key and its value.
const VERSION_OVERHEAD: usize = 64;

#[derive(Debug, Default)]
pub struct Machine {
    /// What is left to chance is drawn from this.
    pub(super) seed: u64,
    pub(super) revision: i64,
    /// −1 before the first compaction.
    pub(super) compacted: i64,
    pub(super) keys: BTreeMap<Vec<u8>, Vec<Arc<PbKeyValue>>>,
    /// What changed at each revision, in the order of the requests.
    pub(super) log: BTreeMap<i64, Vec<Arc<PbKeyValue>>>,
    pub(super) leases: BTreeMap<i64, Lease>,
    /// Leases that ended since the last compaction, with the revision after which they did: what is
    /// truncated to it brings them back.
    pub(super) ended: BTreeMap<i64, (i64, Lease)>,
    /// Member and kind.
    pub(super) alarms: BTreeSet<(u64, i32)>,
    /// Of all versions kept.
    pub(super) bytes: usize,
}

/// Changes of a running transaction.
pub(super) type Changes = Vec<Arc<PbKeyValue>>;

/// Whether a version is a deletion.
pub fn is_delete(version: &PbKeyValue) -> bool {
    version.version == 0
}

/// A version as a watcher sees it.
pub fn event(version: &PbKeyValue) -> PbEvent {
    let kind = if is_delete(version) { EventType::Delete } else { EventType::Put };
    PbEvent { r#type: kind.into(), kv: Some(version.clone()), prev_kv: None }
}

pub(super) fn header(revision: i64) -> Option<PbResponseHeader> {
    Some(PbResponseHeader { revision, ..Default::default() })
}

impl Machine {
    pub fn new() -> Machine {
        Machine { revision: 1, compacted: -1, ..Machine::default() }
    }

    pub fn with_seed(self, seed: u64) -> Machine {
        Machine { seed, ..self }
    }

    /// The newest revision.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// The last compaction: what only reads before it need is gone. −1: there was none.
    pub fn compacted(&self) -> i64 {
        self.compacted
    }

    /// Bytes of all versions kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The changes from one revision to another, both included, as far as they are kept.
    pub fn log(
        &self,
        first: i64,
        last: i64,
    ) -> impl Iterator<Item = (i64, &[Arc<PbKeyValue>])> + '_ {
        let entries = self.log.range(first..);
        let entries = entries.take_while(move |(revision, _)| **revision <= last);
        entries.map(|(revision, changes)| (*revision, &changes[..]))
    }

    /// All versions kept, of one key after the other.
    pub fn versions(&self) -> impl Iterator<Item = &PbKeyValue> {
        self.keys.values().flatten().map(|version| &**version)
    }

    /// The value a key had at a revision, if that can still be told.
    pub fn value_at(&self, key: &[u8], revision: i64) -> Option<&PbKeyValue> {
        if revision < self.compacted || revision > self.revision {
            return None;
        }
        live(self.keys.get(key)?, revision).map(|version| &**version)
    }

    pub fn put(&mut self, put: &PbPutRequest) -> Result<PbPutResponse> {
        // Unlike in a transaction the lease comes first.
        self.check_put_lease(put)?;
        self.check_put_applies(put)?;
        let mut changes = Changes::new();
        let answer = self.apply_put(put, &mut changes);
        self.commit(changes);
        Ok(answer)
    }

    pub fn delete(&mut self, delete: &PbDeleteRequest) -> PbDeleteResponse {
        let mut changes = Changes::new();
        let answer = self.apply_delete(delete, &mut changes);
        self.commit(changes);
        answer
    }

    /// Forgets what only reads before the revision need.
    ///
    /// A deletion at exactly that revision stays for watchers that start there, unless
    /// `with_deletions`, which is what etcd did before its fix of issue 19179.
    pub fn compact(&mut self, request: &PbCompactionRequest, with_deletions: bool) -> Result<()> {
        let revision = request.revision;
        if revision <= self.compacted {
            return Err(Error::Compacted);
        }
        if revision > self.revision {
            return Err(Error::FutureRevision);
        }
        self.compacted = revision;
        self.ended.retain(|_, (after, _)| *after >= revision);
        let mut freed = 0;
        self.keys.retain(|_, versions| {
            let old = versions.partition_point(|version| version.mod_revision <= revision);
            let last_stays = old > 0 && {
                let last = &versions[old - 1];
                let deleted_now = last.mod_revision == revision && !with_deletions;
                !is_delete(last) || deleted_now
            };
            let gone = versions.drain(..old.saturating_sub(usize::from(last_stays)));
            freed += gone.map(|version| cost(&version)).sum::<usize>();
            !versions.is_empty()
        });
        self.bytes -= freed;
        self.log = self.log.split_off(&revision);
        if let Some(changes) = self.log.get_mut(&revision) {
            changes.retain(|version| !(with_deletions && is_delete(version)));
        }
        Ok(())
    }

    /// Takes back what happened after a revision: a member that lost what it had acknowledged. The
    /// end of a lease is taken back together with the deletion of its keys, as both are one entry
    /// of etcd's log; whoever is elected then starts its term anew.
    pub fn truncate(&mut self, revision: i64) {
        let revision = revision.clamp(self.compacted.max(1), self.revision);
        for change in self.log.split_off(&(revision + 1)).into_values().flatten() {
            self.bytes -= cost(&change);
        }
        self.revision = revision;
        self.keys.retain(|_, versions| {
            versions.retain(|version| version.mod_revision <= revision);
            !versions.is_empty()
        });
        let ended = std::mem::take(&mut self.ended).into_iter();
        let (undone, before) = ended.partition(|(_, (after, _))| *after >= revision);
        self.ended = before;
        let undone: BTreeMap<i64, (i64, Lease)> = undone;
        for (id, (_, lease)) in undone {
            self.leases.entry(id).or_insert(lease);
        }
        self.attach_all();
    }

    /// Members and the kinds of alarm that they raised.
    pub fn alarms(&self) -> &BTreeSet<(u64, i32)> {
        &self.alarms
    }

    pub fn raise_alarm(&mut self, member: u64, alarm: AlarmType) -> bool {
        self.alarms.insert((member, alarm.into()))
    }

    pub fn clear_alarm(&mut self, member: u64, alarm: AlarmType) -> bool {
        self.alarms.remove(&(member, alarm.into()))
    }

    pub fn has_alarm(&self, alarm: AlarmType) -> bool {
        self.alarms.iter().any(|(_, raised)| *raised == i32::from(alarm))
    }

    pub(super) fn current(&self, key: &[u8]) -> Option<&Arc<PbKeyValue>> {
        self.keys.get(key)?.last().filter(|version| !is_delete(version))
    }

    /// The keys of a range that existed at a revision, in order.
    pub(super) fn live_in(
        &self,
        span: &Span,
        revision: i64,
    ) -> impl Iterator<Item = &Arc<PbKeyValue>> {
        let keys = self.keys.range::<[u8], _>(span.bounds());
        keys.filter_map(move |(_, versions)| live(versions, revision))
    }

    pub(super) fn check_put_applies(&self, put: &PbPutRequest) -> Result<()> {
        if (put.ignore_value || put.ignore_lease) && self.current(&put.key).is_none() {
            return Err(Error::KeyNotFound);
        }
        self.check_put_lease(put)
    }

    fn check_put_lease(&self, put: &PbPutRequest) -> Result<()> {
        if put.lease != 0 && !self.leases.contains_key(&put.lease) {
            return Err(Error::LeaseNotFound);
        }
        Ok(())
    }

    pub(super) fn apply_put(&mut self, put: &PbPutRequest, changes: &mut Changes) -> PbPutResponse {
        let revision = self.revision + 1;
        let old = self.current(&put.key).cloned();
        let (value, lease) = match &old {
            Some(old) => (
                if put.ignore_value { old.value.clone() } else { put.value.clone() },
                if put.ignore_lease { old.lease } else { put.lease },
            ),
            None => (put.value.clone(), put.lease),
        };
        let kv = PbKeyValue {
            key: put.key.clone(),
            value,
            create_revision: old.as_ref().map_or(revision, |old| old.create_revision),
            mod_revision: revision,
            version: old.as_ref().map_or(0, |old| old.version) + 1,
            lease,
        };
        self.change(kv, old.as_deref(), changes);
        let prev_kv = old.filter(|_| put.prev_kv).map(Arc::unwrap_or_clone);
        PbPutResponse { header: header(revision), prev_kv }
    }

    pub(super) fn apply_delete(
        &mut self,
        delete: &PbDeleteRequest,
        changes: &mut Changes,
    ) -> PbDeleteResponse {
        let span = Span::new(&delete.key, &delete.range_end);
        let found: Vec<_> = self.live_in(&span, i64::MAX).cloned().collect();
        for old in &found {
            self.bury(old, changes);
        }
        let revision = self.revision + i64::from(!changes.is_empty());
        let deleted = found.len() as i64;
        let prev_kvs = found.into_iter().filter(|_| delete.prev_kv).map(Arc::unwrap_or_clone);
        PbDeleteResponse { header: header(revision), deleted, prev_kvs: prev_kvs.collect() }
    }

    pub(super) fn bury(&mut self, old: &PbKeyValue, changes: &mut Changes) {
        let revision = self.revision + 1;
        let tomb =
            PbKeyValue { key: old.key.clone(), mod_revision: revision, ..Default::default() };
        self.change(tomb, Some(old), changes);
    }

    /// Makes the changes, if there are any, the next revision.
    pub(super) fn commit(&mut self, changes: Changes) {
        if !changes.is_empty() {
            self.revision += 1;
            self.log.insert(self.revision, changes);
        }
    }

    fn change(&mut self, kv: PbKeyValue, old: Option<&PbKeyValue>, changes: &mut Changes) {
        self.move_key(&kv.key, old.map_or(0, |old| old.lease), kv.lease);
        self.bytes += cost(&kv);
        let version = Arc::new(kv);
        self.keys.entry(version.key.clone()).or_default().push(version.clone());
        changes.push(version);
    }
}

pub(super) fn cost(version: &PbKeyValue) -> usize {
    VERSION_OVERHEAD + version.key.len() + version.value.len()
}

fn live(versions: &[Arc<PbKeyValue>], revision: i64) -> Option<&Arc<PbKeyValue>> {
    let newer = versions.partition_point(|version| version.mod_revision <= revision);
    versions[..newer].last().filter(|version| !is_delete(version))
}
