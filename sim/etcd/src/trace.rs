//! Requests for keys in one line, for traces.

use std::fmt;

use etcd_client::CompareOp;
use etcd_client::proto::{
    PbCompare, PbCompareTarget, PbRangeRequest, PbTargetUnion, PbTxnOpRequest, PbTxnRequest,
    PbTxnRequestOp,
};

/// A transaction: its conditions, and the operations that were chosen.
/// `if mod(head)=75 then put head 120 B, put log/32 340 B`.
#[derive(Debug, Clone, Copy)]
pub struct TxnLine<'a> {
    pub txn: &'a PbTxnRequest,
    pub succeeded: bool,
}

impl fmt::Display for TxnLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TxnLine { txn, succeeded } = self;
        for (nth, compare) in txn.compare.iter().enumerate() {
            f.write_str(if nth == 0 { "if " } else { ", " })?;
            condition(f, compare)?;
        }
        let (word, ops) = if *succeeded { ("then", &txn.success) } else { ("else", &txn.failure) };
        for (nth, op) in ops.iter().enumerate() {
            match nth {
                0 if txn.compare.is_empty() => {}
                0 => write!(f, " {word} ")?,
                _ => f.write_str(", ")?,
            }
            operation(f, op)?;
        }
        Ok(())
    }
}

/// A range: `range head`, or `range log/ to log0`.
#[derive(Debug, Clone, Copy)]
pub struct RangeLine<'a>(pub &'a PbRangeRequest);

impl fmt::Display for RangeLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PbRangeRequest { key, range_end, revision, .. } = self.0;
        keys(f, "range", key, range_end)?;
        if *revision > 0 { write!(f, " at revision {revision}") } else { Ok(()) }
    }
}

fn condition(f: &mut fmt::Formatter<'_>, compare: &PbCompare) -> fmt::Result {
    let name = match compare.target() {
        PbCompareTarget::Version => "version",
        PbCompareTarget::Create => "create",
        PbCompareTarget::Mod => "mod",
        PbCompareTarget::Value => "value",
        PbCompareTarget::Lease => "lease",
    };
    let sign = match compare.result() {
        CompareOp::Equal => '=',
        CompareOp::NotEqual => '≠',
        CompareOp::Greater => '>',
        CompareOp::Less => '<',
    };
    write!(f, "{name}({}){sign}", text(&compare.key))?;
    match &compare.target_union {
        Some(PbTargetUnion::Value(value)) => write!(f, "{} B", value.len()),
        Some(
            PbTargetUnion::Version(number)
            | PbTargetUnion::CreateRevision(number)
            | PbTargetUnion::ModRevision(number)
            | PbTargetUnion::Lease(number),
        ) => write!(f, "{number}"),
        None => f.write_str("0"),
    }
}

fn operation(f: &mut fmt::Formatter<'_>, op: &PbTxnRequestOp) -> fmt::Result {
    match &op.request {
        Some(PbTxnOpRequest::RequestRange(range)) => write!(f, "{}", RangeLine(range)),
        Some(PbTxnOpRequest::RequestPut(put)) => {
            write!(f, "put {} {} B", text(&put.key), put.value.len())
        }
        Some(PbTxnOpRequest::RequestDeleteRange(delete)) => {
            keys(f, "delete", &delete.key, &delete.range_end)
        }
        Some(PbTxnOpRequest::RequestTxn(_)) => f.write_str("a transaction"),
        None => f.write_str("nothing"),
    }
}

fn keys(f: &mut fmt::Formatter<'_>, verb: &str, key: &[u8], end: &[u8]) -> fmt::Result {
    match end {
        [] => write!(f, "{verb} {}", text(key)),
        [0] => write!(f, "{verb} {} and all after it", text(key)),
        end => write!(f, "{verb} {} to {}", text(key), text(end)),
    }
}

fn text(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use etcd_client::proto::{PbDeleteRequest, PbPutRequest};

    use super::*;

    fn op(request: PbTxnOpRequest) -> PbTxnRequestOp {
        PbTxnRequestOp { request: Some(request) }
    }

    #[test]
    fn a_transaction_is_told_with_its_conditions_and_what_was_chosen() {
        let compare = PbCompare {
            target: PbCompareTarget::Mod.into(),
            key: "head".into(),
            target_union: Some(PbTargetUnion::ModRevision(75)),
            ..PbCompare::default()
        };
        let put = PbPutRequest { key: "head".into(), value: "abc".into(), ..Default::default() };
        let delete =
            PbDeleteRequest { key: "log/".into(), range_end: "log0".into(), ..Default::default() };
        let range = PbRangeRequest { key: "mode".into(), ..PbRangeRequest::default() };
        let txn = PbTxnRequest {
            compare: vec![compare],
            success: vec![
                op(PbTxnOpRequest::RequestPut(put)),
                op(PbTxnOpRequest::RequestDeleteRange(delete)),
            ],
            failure: vec![op(PbTxnOpRequest::RequestRange(range))],
        };
        let told = |succeeded| TxnLine { txn: &txn, succeeded }.to_string();
        assert_eq!(told(true), "if mod(head)=75 then put head 3 B, delete log/ to log0");
        assert_eq!(told(false), "if mod(head)=75 else range mode");
    }
}
