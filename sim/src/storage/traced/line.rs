//! Requests for keys in one line.

use std::fmt::{self, Display, Write};

use drydock_core::coord::{Compare, CompareOp, CompareTarget, KeyRange, Op, RangeEnd, Txn};

/// A transaction with both of its branches.
pub fn txn(txn: &Txn) -> String {
    let mut line = String::new();
    list(&mut line, "if ", txn.compares.iter().map(compare));
    list(&mut line, " then ", txn.then.iter().map(op));
    list(&mut line, " else ", txn.otherwise.iter().map(op));
    line.trim_start().to_owned()
}

/// The key that says best what a transaction is about.
pub fn subject(txn: &Txn) -> String {
    let changed = txn.then.iter().find_map(|op| match op {
        Op::Put(put) => Some(text(&put.key)),
        Op::Delete { range: it, .. } => Some(range(it)),
        Op::Range(_) => None,
    });
    let compared = || txn.compares.first().map(|compare| text(&compare.key));
    changed.or_else(compared).unwrap_or_default()
}

pub fn range(range: &KeyRange) -> String {
    match &range.end {
        RangeEnd::Single => text(&range.start),
        RangeEnd::Before(end) => format!("{} to {}", text(&range.start), text(end)),
        RangeEnd::Unbounded => format!("{} to the end", text(&range.start)),
    }
}

pub fn compare(compare: &Compare) -> String {
    let sign = match compare.op {
        CompareOp::Equal => '=',
        CompareOp::NotEqual => '≠',
        CompareOp::Greater => '>',
        CompareOp::Less => '<',
    };
    let (name, value) = match &compare.target {
        CompareTarget::ModRevision(revision) => ("mod", revision.to_string()),
        CompareTarget::CreateRevision(revision) => ("create", revision.to_string()),
        CompareTarget::Version(version) => ("version", version.to_string()),
        CompareTarget::Value(value) => ("value", format!("{} B", value.len())),
        CompareTarget::Lease(None) => ("lease", "none".to_owned()),
        CompareTarget::Lease(Some(id)) => ("lease", id.0.to_string()),
    };
    format!("{name}({}){sign}{value}", text(&compare.key))
}

fn op(op: &Op) -> String {
    match op {
        Op::Put(put) => format!("put {} {} B", text(&put.key), put.value.len()),
        Op::Delete { range: it, .. } => format!("delete {}", range(it)),
        Op::Range(request) => format!("range {}", range(&request.range)),
    }
}

fn list(line: &mut String, word: &str, items: impl Iterator<Item = impl Display>) {
    for (nth, item) in items.enumerate() {
        let before = if nth == 0 { word } else { ", " };
        write!(line, "{before}{item}").unwrap_or_else(|fmt::Error| unreachable!("it is a string"));
    }
}

fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_one_line_with_its_compares_and_its_branches() {
        let asked = Txn::default()
            .when(Compare::mod_revision("head", 7))
            .when(Compare::absent("log/3"))
            .then(Op::put("log/3", "four"))
            .otherwise(Op::get("head"));
        let line = "if mod(head)=7, create(log/3)=0 then put log/3 4 B else range head";
        assert_eq!((txn(&asked).as_str(), subject(&asked).as_str()), (line, "log/3"));
        let alone = Txn::default().then(Op::delete(KeyRange::between("a", "b")));
        assert_eq!(txn(&alone), "then delete a to b");
    }
}
