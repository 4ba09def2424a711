//! Requests and answers as etcd's messages.
//!
//! etcd encodes a range as two keys with special values: no end is a single key, an end of one zero
//! byte is the end of the key space, and no start is an error. The conversion keeps the meaning
//! that these bytes have in a [`KeyRange`].

use bytes::Bytes;
use drydock_core::coord::{
    Compare, CompareOp, CompareTarget, Consistency, Event, EventKind, KeyRange, KeyValue, LeaseId,
    Op, OpResult, Order, Projection, RangeEnd, RangeRequest, RangeResponse, Txn, TxnResponse,
};
use etcd_client::proto::{
    PbDeleteResponse, PbEvent, PbKeyValue, PbRangeResponse, PbResponseOp, PbTxnOpResponse,
    PbTxnResponse,
};
use etcd_client::{DeleteOptions, GetOptions, PutOptions, SortOrder, SortTarget, TxnOp};

/// The lowest key.
const LOWEST: &[u8] = &[0];
/// As an end: the end of the key space.
const UNBOUNDED: &[u8] = &[0];
/// As start and as end: a range without keys. The lowest key cannot serve, because as an end it
/// means the end of the key space.
const NOTHING: &[u8] = &[1];

/// An answer that lacks a part that every answer has.
#[derive(Debug, thiserror::Error)]
#[error("the answer has no {0}")]
pub struct Incomplete(pub &'static str);

/// Start and, unless it is a single key, end; `None` if no key can be in the range.
pub fn bounds(range: &KeyRange) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let start = match &range.start[..] {
        [] => LOWEST,
        start => start,
    };
    match &range.end {
        RangeEnd::Single => Some((range.start.to_vec(), None)),
        RangeEnd::Unbounded => Some((start.to_vec(), Some(UNBOUNDED.to_vec()))),
        RangeEnd::Before(end) if &end[..] <= start => None,
        RangeEnd::Before(end) => Some((start.to_vec(), Some(end.to_vec()))),
    }
}

fn bounds_or_nothing(range: &KeyRange) -> (Vec<u8>, Option<Vec<u8>>) {
    bounds(range).unwrap_or_else(|| {
        // An empty range at the caller's start: it may not be allowed to read elsewhere.
        let start = if range.start > UNBOUNDED { &range.start[..] } else { NOTHING };
        (start.to_vec(), Some(start.to_vec()))
    })
}

pub fn range_options(request: &RangeRequest) -> (Vec<u8>, GetOptions) {
    let (start, end) = bounds_or_nothing(&request.range);
    let limit = i64::try_from(request.limit).unwrap_or(i64::MAX);
    let mut options = GetOptions::new().with_limit(limit);
    if let Some(end) = end {
        options = options.with_range(end);
    }
    if let Some(revision) = request.revision {
        options = options.with_revision(revision);
    }
    if request.order == Order::Descending {
        options = options.with_sort(SortTarget::Key, SortOrder::Descend);
    }
    options = match request.projection {
        Projection::Full => options,
        Projection::KeysOnly => options.with_keys_only(),
        Projection::CountOnly => options.with_count_only(),
    };
    match request.consistency {
        Consistency::Linearizable => (start, options),
        Consistency::Serializable => (start, options.with_serializable()),
    }
}

pub fn txn(txn: &Txn) -> etcd_client::Txn {
    let compares: Vec<_> = txn.compares.iter().map(compare).collect();
    let then: Vec<_> = txn.then.iter().map(op).collect();
    let otherwise: Vec<_> = txn.otherwise.iter().map(op).collect();
    etcd_client::Txn::new().when(compares).and_then(then).or_else(otherwise)
}

/// The first lease that a transaction names.
pub fn first_lease(txn: &Txn) -> Option<LeaseId> {
    txn.then.iter().chain(&txn.otherwise).find_map(|op| match op {
        Op::Put(put) => put.lease,
        Op::Delete { .. } | Op::Range(_) => None,
    })
}

/// The newest revision that a transaction reads at.
pub fn newest_read(txn: &Txn) -> i64 {
    let reads = txn.then.iter().chain(&txn.otherwise).filter_map(|op| match op {
        Op::Range(request) => request.revision,
        Op::Put(_) | Op::Delete { .. } => None,
    });
    reads.max().unwrap_or_default()
}

fn compare(compare: &Compare) -> etcd_client::Compare {
    let op = match compare.op {
        CompareOp::Equal => etcd_client::CompareOp::Equal,
        CompareOp::NotEqual => etcd_client::CompareOp::NotEqual,
        CompareOp::Greater => etcd_client::CompareOp::Greater,
        CompareOp::Less => etcd_client::CompareOp::Less,
    };
    let key = &compare.key[..];
    match &compare.target {
        CompareTarget::ModRevision(it) => etcd_client::Compare::mod_revision(key, op, *it),
        CompareTarget::CreateRevision(it) => etcd_client::Compare::create_revision(key, op, *it),
        CompareTarget::Version(it) => etcd_client::Compare::version(key, op, *it),
        CompareTarget::Value(it) => etcd_client::Compare::value(key, op, &it[..]),
        CompareTarget::Lease(it) => {
            etcd_client::Compare::lease(key, op, it.map_or(0, |lease| lease.0))
        }
    }
}

fn op(op: &Op) -> TxnOp {
    match op {
        Op::Put(put) => {
            let mut options = PutOptions::new().with_lease(put.lease.map_or(0, |lease| lease.0));
            if put.prev_kv {
                options = options.with_prev_key();
            }
            TxnOp::put(&put.key[..], &put.value[..], Some(options))
        }
        Op::Delete { range, prev_kv } => {
            let (start, end) = bounds_or_nothing(range);
            let mut options = DeleteOptions::new();
            if let Some(end) = end {
                options = options.with_range(end);
            }
            if *prev_kv {
                options = options.with_prev_key();
            }
            TxnOp::delete(start, Some(options))
        }
        Op::Range(request) => {
            let (start, options) = range_options(request);
            TxnOp::get(start, Some(options))
        }
    }
}

pub fn range_response(found: PbRangeResponse) -> Result<RangeResponse, Incomplete> {
    let header = found.header.ok_or(Incomplete("header"))?;
    Ok(RangeResponse {
        revision: header.revision,
        kvs: found.kvs.into_iter().map(key_value).collect(),
        count: usize::try_from(found.count).unwrap_or_default(),
        more: found.more,
    })
}

pub fn txn_response(done: PbTxnResponse) -> Result<TxnResponse, Incomplete> {
    let header = done.header.ok_or(Incomplete("header"))?;
    let result = |op: PbResponseOp| {
        Ok(match op.response.ok_or(Incomplete("result of an operation"))? {
            PbTxnOpResponse::ResponsePut(put) => OpResult::Put { prev: put.prev_kv.map(key_value) },
            PbTxnOpResponse::ResponseDeleteRange(gone) => deletion(gone),
            PbTxnOpResponse::ResponseRange(mut range) => {
                // The range's own header, whose revision counts changes before it; else that of the
                // transaction.
                range.header.get_or_insert(header);
                OpResult::Range(range_response(range)?)
            }
            PbTxnOpResponse::ResponseTxn(_) => return Err(Incomplete("result that was asked for")),
        })
    };
    let results = done.responses.into_iter().map(result).collect::<Result<_, _>>()?;
    Ok(TxnResponse { revision: header.revision, succeeded: done.succeeded, results })
}

fn deletion(gone: PbDeleteResponse) -> OpResult {
    OpResult::Delete {
        deleted: usize::try_from(gone.deleted).unwrap_or_default(),
        prev: gone.prev_kvs.into_iter().map(key_value).collect(),
    }
}

pub fn event(event: PbEvent) -> Result<Event, Incomplete> {
    let deleted = event.r#type == etcd_client::EventType::Delete as i32;
    Ok(Event {
        kind: if deleted { EventKind::Delete } else { EventKind::Put },
        kv: key_value(event.kv.ok_or(Incomplete("key of an event"))?),
        prev: event.prev_kv.map(key_value),
    })
}

fn key_value(kv: PbKeyValue) -> KeyValue {
    KeyValue {
        key: Bytes::from(kv.key),
        value: Bytes::from(kv.value),
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
        version: kv.version,
        lease: (kv.lease != 0).then_some(LeaseId(kv.lease)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_keep_their_meaning_in_etcds_encoding() {
        let both = |start: &[u8], end: &[u8]| Some((start.to_vec(), Some(end.to_vec())));
        assert_eq!(bounds(&KeyRange::prefix("")), both(&[0], &[0]));
        assert_eq!(bounds(&KeyRange::prefix("a")), both(b"a", b"b"));
        assert_eq!(bounds(&KeyRange::prefix(vec![0xff])), both(&[0xff], &[0]));
        assert_eq!(bounds(&KeyRange::between("", "b")), both(&[0], b"b"));
        assert_eq!(bounds(&KeyRange::single("a")), Some((b"a".to_vec(), None)));
        // Ends that have a special meaning in etcd.
        for (start, end) in [("", "\0"), ("a", ""), ("", ""), ("b", "a"), ("a", "a"), ("a", "\0")] {
            assert_eq!(bounds(&KeyRange::between(start, end)), None, "{start:?} {end:?}");
        }
    }
}
