//! Requests and answers of one part of a coordination store.

use bytes::Bytes;
use drydock_core::coord::{
    Compare, Event, Key, KeyRange, KeyValue, Op, OpResult, Put, RangeEnd, RangeRequest,
    RangeResponse, Txn, TxnResponse,
};

/// A prefix that its users do not see.
#[derive(Clone)]
pub struct Part {
    prefix: Bytes,
}

impl Part {
    pub fn new(prefix: &str) -> Part {
        Part { prefix: prefix.to_owned().into() }
    }

    pub fn all(&self) -> KeyRange {
        KeyRange::prefix(self.prefix.clone())
    }

    fn key(&self, key: &Key) -> Key {
        [&self.prefix[..], key].concat().into()
    }

    pub fn range(&self, range: &KeyRange) -> KeyRange {
        let end = match &range.end {
            RangeEnd::Single => RangeEnd::Single,
            RangeEnd::Before(end) => RangeEnd::Before(self.key(end)),
            RangeEnd::Unbounded => self.all().end,
        };
        KeyRange { start: self.key(&range.start), end }
    }

    pub fn request(&self, request: RangeRequest) -> RangeRequest {
        RangeRequest { range: self.range(&request.range), ..request }
    }

    pub fn txn(&self, txn: Txn) -> Txn {
        let compare = |it: Compare| Compare { key: self.key(&it.key), ..it };
        let ops = |ops: Vec<Op>| ops.into_iter().map(|op| self.op(op)).collect();
        Txn {
            compares: txn.compares.into_iter().map(compare).collect(),
            then: ops(txn.then),
            otherwise: ops(txn.otherwise),
        }
    }

    fn op(&self, op: Op) -> Op {
        match op {
            Op::Put(put) => Op::Put(Put { key: self.key(&put.key), ..put }),
            Op::Delete { range, prev_kv } => Op::Delete { range: self.range(&range), prev_kv },
            Op::Range(request) => Op::Range(self.request(request)),
        }
    }

    fn seen(&self, kv: KeyValue) -> KeyValue {
        KeyValue { key: kv.key.slice(self.prefix.len()..), ..kv }
    }

    pub fn answer(&self, answer: RangeResponse) -> RangeResponse {
        let kvs = answer.kvs.into_iter().map(|kv| self.seen(kv)).collect();
        RangeResponse { kvs, ..answer }
    }

    pub fn result(&self, answer: TxnResponse) -> TxnResponse {
        let result = |result| match result {
            OpResult::Put { prev } => OpResult::Put { prev: prev.map(|kv| self.seen(kv)) },
            OpResult::Delete { deleted, prev } => {
                let prev = prev.into_iter().map(|kv| self.seen(kv)).collect();
                OpResult::Delete { deleted, prev }
            }
            OpResult::Range(range) => OpResult::Range(self.answer(range)),
        };
        TxnResponse { results: answer.results.into_iter().map(result).collect(), ..answer }
    }

    pub fn event(&self, event: Event) -> Event {
        let prev = event.prev.map(|kv| self.seen(kv));
        Event { kv: self.seen(event.kv), prev, ..event }
    }
}

/// Whether a transaction has changed something.
pub fn changes(answer: &TxnResponse) -> bool {
    answer.results.iter().any(|result| match result {
        OpResult::Put { .. } => true,
        OpResult::Delete { deleted, .. } => *deleted > 0,
        OpResult::Range(_) => false,
    })
}
