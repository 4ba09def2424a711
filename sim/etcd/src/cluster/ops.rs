//! What the cluster does for clients, once it has been agreed on.

use std::time::Duration;

use etcd_client::AlarmType;
use etcd_client::proto::{
    PbCompactionRequest, PbDeleteRequest, PbDeleteResponse, PbPutRequest, PbPutResponse,
    PbTxnOpRequest, PbTxnRequest, PbTxnRequestOp, PbTxnResponse,
};

use super::bug::Bug;
use super::members::Cluster;
use crate::error::{Error, Result};
use crate::machine::{Machine, is_delete};

/// What etcd counts for a put beyond its key and its value.
const PUT_OVERHEAD: usize = 256;

impl Cluster {
    pub fn put(&mut self, member: usize, put: &PbPutRequest) -> Result<PbPutResponse> {
        self.take_space(member, put_cost(put))?;
        self.apply(|machine| machine.put(put))
    }

    pub fn delete(&mut self, delete: &PbDeleteRequest) -> Result<PbDeleteResponse> {
        self.apply(|machine| Ok(machine.delete(delete)))
    }

    pub fn txn(&mut self, member: usize, txn: &PbTxnRequest) -> Result<PbTxnResponse> {
        let cost = txn_cost(txn);
        if cost > 0 {
            self.take_space(member, cost)?;
        }
        self.apply(|machine| machine.txn(txn))
    }

    pub fn compact(&mut self, compaction: &PbCompactionRequest) -> Result<()> {
        let with_deletions =
            self.deletes_at(compaction.revision) && self.bugs().strikes(Bug::LostDeletion);
        self.apply(|machine| machine.compact(compaction, with_deletions))
    }

    fn deletes_at(&self, revision: i64) -> bool {
        let mut there = self.machine.log(revision, revision);
        there.any(|(_, changes)| changes.iter().any(|change| is_delete(change)))
    }

    /// Answers the lease's id and its time to live in seconds.
    pub fn grant(&mut self, id: i64, ttl: i64, now: Duration) -> Result<(i64, i64)> {
        if self.machine.has_alarm(AlarmType::Nospace) {
            return Err(Error::NoSpace);
        }
        let id = if id == 0 { self.free_lease() } else { id };
        let min_ttl = self.config.min_ttl();
        let ttl = self.apply(|machine| machine.grant(id, ttl, min_ttl, now))?;
        Ok((id, ttl))
    }

    pub fn revoke(&mut self, id: i64) -> Result<()> {
        self.apply(|machine| machine.revoke(id))
    }

    /// Not agreed on: the leader alone knows of it.
    pub fn renew(&mut self, id: i64, now: Duration) -> Result<i64> {
        self.machine.renew(id, now)
    }

    /// Answers whether it was not raised before.
    pub fn raise_alarm(&mut self, member: u64, alarm: AlarmType) -> bool {
        self.index += 1;
        self.machine.raise_alarm(member, alarm)
    }

    pub fn clear_alarm(&mut self, member: u64, alarm: AlarmType) -> bool {
        self.index += 1;
        self.machine.clear_alarm(member, alarm)
    }

    /// Gives back what compactions freed.
    pub fn defragment(&mut self) {
        self.file_bytes = self.machine.bytes();
    }

    /// Bytes of the database file.
    pub fn file_bytes(&self) -> usize {
        self.file_bytes.max(self.machine.bytes())
    }

    fn apply<T>(&mut self, work: impl FnOnce(&mut Machine) -> Result<T>) -> Result<T> {
        self.index += 1;
        if self.machine.has_alarm(AlarmType::Corrupt) {
            return Err(Error::Corrupt);
        }
        let answer = work(&mut self.machine)?;
        self.file_bytes = self.file_bytes();
        Ok(answer)
    }

    fn take_space(&mut self, member: usize, cost: usize) -> Result<()> {
        let full = self.file_bytes() + cost > self.config.quota_bytes;
        if full {
            self.raise_alarm(self.members[member].id, AlarmType::Nospace);
        }
        if full || self.machine.has_alarm(AlarmType::Nospace) {
            Err(Error::NoSpace)
        } else {
            Ok(())
        }
    }

    fn free_lease(&mut self) -> i64 {
        loop {
            let id = self.next_lease;
            // Ids are positive, whatever the first one was.
            self.next_lease = id.checked_add(1).unwrap_or(1);
            if self.machine.lease(id).is_none() {
                return id;
            }
        }
    }
}

fn put_cost(put: &PbPutRequest) -> usize {
    PUT_OVERHEAD + put.key.len() + put.value.len()
}

/// The dearer branch; 0 for a transaction that puts nothing.
fn txn_cost(txn: &PbTxnRequest) -> usize {
    let branch = |ops: &[PbTxnRequestOp]| -> usize {
        let costs = ops.iter().map(|op| match &op.request {
            Some(PbTxnOpRequest::RequestPut(put)) => put_cost(put),
            Some(PbTxnOpRequest::RequestTxn(inner)) => txn_cost(inner),
            _ => 0,
        });
        costs.sum()
    };
    branch(&txn.success).max(branch(&txn.failure))
}
