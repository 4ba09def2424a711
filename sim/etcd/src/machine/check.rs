//! What etcd refuses about a request before it looks at any state.

use std::collections::BTreeSet;

use etcd_client::proto::{
    PbDeleteRequest, PbPutRequest, PbRangeRequest, PbTxnOpRequest, PbTxnRequest, PbTxnRequestOp,
};
use etcd_client::{SortOrder, SortTarget};

use super::span::Span;
use crate::error::{Error, Result};

/// etcd's own limits, unless changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Of one request, encoded.
    pub request_bytes: usize,
    /// Of the comparisons or one branch of a transaction; a nested one has what the outer leaves.
    pub txn_ops: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { request_bytes: 3 * 512 * 1024, txn_ops: 128 }
    }
}

/// What etcd's check takes for a range that ends before it begins.
const NO_UPPER_BOUND: &[u8] = &[0];

pub fn check_range(range: &PbRangeRequest) -> Result<()> {
    check_key(&range.key)?;
    let known = SortOrder::try_from(range.sort_order).is_ok()
        && SortTarget::try_from(range.sort_target).is_ok();
    if known { Ok(()) } else { Err(Error::InvalidSort) }
}

pub fn check_put(put: &PbPutRequest) -> Result<()> {
    check_key(&put.key)?;
    if put.ignore_value && !put.value.is_empty() {
        return Err(Error::ValueProvided);
    }
    if put.ignore_lease && put.lease != 0 {
        return Err(Error::LeaseProvided);
    }
    Ok(())
}

pub fn check_delete(delete: &PbDeleteRequest) -> Result<()> {
    check_key(&delete.key)
}

pub fn check_txn(txn: &PbTxnRequest, limits: &Limits) -> Result<()> {
    check_ops(txn, limits.txn_ops)?;
    check_overlap(&txn.success)?;
    check_overlap(&txn.failure)?;
    Ok(())
}

fn check_key(key: &[u8]) -> Result<()> {
    if key.is_empty() { Err(Error::EmptyKey) } else { Ok(()) }
}

fn check_ops(txn: &PbTxnRequest, allowed: usize) -> Result<()> {
    let widest = txn.compare.len().max(txn.success.len()).max(txn.failure.len());
    let left = allowed.checked_sub(widest).ok_or(Error::TooManyOps)?;
    for compare in &txn.compare {
        check_key(&compare.key)?;
    }
    for op in txn.success.iter().chain(&txn.failure) {
        match &op.request {
            Some(PbTxnOpRequest::RequestRange(range)) => check_range(range)?,
            Some(PbTxnOpRequest::RequestPut(put)) => check_put(put)?,
            Some(PbTxnOpRequest::RequestDeleteRange(delete)) => check_delete(delete)?,
            Some(PbTxnOpRequest::RequestTxn(inner)) => check_ops(inner, left)?,
            None => return Err(Error::KeyNotFound),
        }
    }
    Ok(())
}

/// What a list of operations may write.
#[derive(Default)]
struct Writes<'a> {
    puts: BTreeSet<&'a [u8]>,
    deletes: Vec<Span>,
}

impl Writes<'_> {
    fn deletes(&self, key: &[u8]) -> bool {
        self.deletes.iter().any(|span| span.contains(key))
    }
}

/// Refuses two puts of one key, and a put of a key that is also deleted.
///
/// The order of the steps is etcd's, and so are its gaps: deletes of a nested transaction are not
/// compared with the puts of its elder siblings, and a delete without upper bound with nothing.
fn check_overlap(ops: &[PbTxnRequestOp]) -> Result<Writes<'_>> {
    let mut writes = Writes::default();
    for op in ops {
        if let Some(PbTxnOpRequest::RequestDeleteRange(delete)) = &op.request
            && delete.range_end != NO_UPPER_BOUND
        {
            writes.deletes.push(Span::new(&delete.key, &delete.range_end));
        }
    }
    for op in ops {
        if let Some(PbTxnOpRequest::RequestTxn(inner)) = &op.request {
            merge_nested(&mut writes, inner)?;
        }
    }
    for op in ops {
        if let Some(PbTxnOpRequest::RequestPut(put)) = &op.request {
            let twice = !writes.puts.insert(&put.key);
            if twice || writes.deletes(&put.key) {
                return Err(Error::DuplicateKey);
            }
        }
    }
    Ok(writes)
}

fn merge_nested<'a>(writes: &mut Writes<'a>, inner: &'a PbTxnRequest) -> Result<()> {
    let then = check_overlap(&inner.success)?;
    let otherwise = check_overlap(&inner.failure)?;
    for key in then.puts.iter().chain(&otherwise.puts) {
        if writes.puts.contains(key) || writes.deletes(key) {
            return Err(Error::DuplicateKey);
        }
    }
    // Only one of the two branches happens, so they may put the same keys.
    writes.puts.extend(then.puts);
    writes.puts.extend(otherwise.puts);
    writes.deletes.extend(then.deletes);
    writes.deletes.extend(otherwise.deletes);
    Ok(())
}
