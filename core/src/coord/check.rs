//! The checks that etcd makes on a request alone, the same for every backend.
//!
//! Absent on purpose: checks that depend on the state (leases, revisions).

use std::collections::BTreeSet;
use std::time::Duration;

use super::{
    Error, Key, KeyRange, MAX_REQUEST_BYTES, MAX_TXN_OPS, Op, Put, RangeEnd, RangeRequest, Result,
    Revision, Txn, WatchRequest,
};

/// The longest lease etcd grants.
pub const MAX_LEASE_TTL: Duration = Duration::from_secs(9_000_000_000);

/// Bytes for the framing of one operation: a little more than on etcd's wire, so that a request
/// that passes here also passes there.
const OP_OVERHEAD_BYTES: usize = 32;

pub fn txn(txn: &Txn) -> Result<()> {
    let most = txn.compares.len().max(txn.then.len());
    let most = most.max(txn.otherwise.len());
    if most > MAX_TXN_OPS {
        let reason = format!("`{most}` operations, at most `{MAX_TXN_OPS}`");
        return Err(Error::TooLarge { reason });
    }
    let bytes = txn_bytes(txn);
    if bytes > MAX_REQUEST_BYTES {
        let reason = format!("`{bytes}` bytes, at most `{MAX_REQUEST_BYTES}`");
        return Err(Error::TooLarge { reason });
    }
    for compare in &txn.compares {
        key(&compare.key)?;
    }
    branch(&txn.then)?;
    branch(&txn.otherwise)
}

pub fn range(request: &RangeRequest) -> Result<()> {
    key_range(&request.range)?;
    request.revision.map_or(Ok(()), revision)
}

pub fn watch(request: &WatchRequest) -> Result<()> {
    key_range(&request.range)?;
    request.start.map_or(Ok(()), revision)
}

pub fn revision(revision: Revision) -> Result<()> {
    if revision < 1 {
        return invalid(format!("revision `{revision}`, the first is `1`"));
    }
    Ok(())
}

pub fn lease_ttl(ttl: Duration) -> Result<()> {
    if ttl > MAX_LEASE_TTL {
        let most = MAX_LEASE_TTL.as_secs();
        return invalid(format!("a lease of `{}` s, at most `{most}` s", ttl.as_secs()));
    }
    Ok(())
}

fn branch(ops: &[Op]) -> Result<()> {
    let mut puts: BTreeSet<&Key> = BTreeSet::new();
    let mut deletes: Vec<&KeyRange> = Vec::new();
    for op in ops {
        match op {
            Op::Put(put) => {
                key(&put.key)?;
                if !puts.insert(&put.key) {
                    return invalid(format!("key `{}` is put twice", put.key.escape_ascii()));
                }
            }
            Op::Delete { range, .. } => {
                key_range(range)?;
                deletes.push(range);
            }
            Op::Range(request) => range(request)?,
        }
    }
    for put in puts {
        if deletes.iter().any(|range| range.contains(put)) {
            return invalid(format!("key `{}` is put and deleted", put.escape_ascii()));
        }
    }
    Ok(())
}

fn key(key: &Key) -> Result<()> {
    if key.is_empty() {
        return invalid("a key is empty".to_owned());
    }
    Ok(())
}

/// An empty start is the beginning of the key space, but not a key.
fn key_range(range: &KeyRange) -> Result<()> {
    match range.end {
        RangeEnd::Single => key(&range.start),
        RangeEnd::Before(_) | RangeEnd::Unbounded => Ok(()),
    }
}

fn txn_bytes(txn: &Txn) -> usize {
    let compares = txn.compares.iter().map(|compare| {
        let target = match &compare.target {
            super::CompareTarget::Value(value) => value.len(),
            _ => 0,
        };
        OP_OVERHEAD_BYTES + compare.key.len() + target
    });
    let ops = txn.then.iter().chain(&txn.otherwise).map(op_bytes);
    compares.chain(ops).sum()
}

fn op_bytes(op: &Op) -> usize {
    let range = |range: &KeyRange| {
        let end = match &range.end {
            RangeEnd::Before(end) => end.len(),
            RangeEnd::Single | RangeEnd::Unbounded => 0,
        };
        range.start.len() + end
    };
    OP_OVERHEAD_BYTES
        + match op {
            Op::Put(Put { key, value, .. }) => key.len() + value.len(),
            Op::Delete { range: keys, .. } => range(keys),
            Op::Range(request) => range(&request.range),
        }
}

fn invalid<T>(reason: String) -> Result<T> {
    Err(Error::Invalid { reason })
}
