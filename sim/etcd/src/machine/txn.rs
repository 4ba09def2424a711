//! Transactions, nested ones included.
//!
//! As in etcd, all comparisons of the whole tree are decided before anything is applied, and all
//! requests of the branches taken are checked before the first takes effect.

use etcd_client::CompareOp;
use etcd_client::proto::{
    PbCompare, PbCompareTarget, PbDeleteRequest, PbKeyValue, PbPutRequest, PbRangeRequest,
    PbResponseOp, PbTargetUnion, PbTxnOpRequest, PbTxnOpResponse, PbTxnRequest, PbTxnResponse,
};

use super::kv::{Changes, Machine, header};
use super::span::Span;
use crate::error::{Error, Result};

/// A transaction whose comparisons are decided.
struct Decided<'a> {
    succeeded: bool,
    steps: Vec<Step<'a>>,
}

enum Step<'a> {
    Put(&'a PbPutRequest),
    Delete(&'a PbDeleteRequest),
    Range(&'a PbRangeRequest),
    Txn(Decided<'a>),
}

impl Machine {
    /// Applies a transaction at the next revision, if it changes anything.
    pub fn txn(&mut self, txn: &PbTxnRequest) -> Result<PbTxnResponse> {
        let decided = self.decide(txn, self.revision)?;
        self.check_puts(&decided)?;
        self.check_ranges(&decided, self.revision)?;
        let mut changes = Changes::new();
        let mut answer = self.apply(&decided, &mut changes);
        self.commit(changes);
        answer.header = header(self.revision);
        Ok(answer)
    }

    /// Answers a transaction without puts and deletes as if `newest` were the newest revision.
    pub fn read_txn(&self, txn: &PbTxnRequest, newest: i64) -> Result<PbTxnResponse> {
        let decided = self.decide(txn, newest)?;
        self.check_ranges(&decided, newest)?;
        Ok(PbTxnResponse { header: header(newest), ..self.answer(&decided, newest) })
    }

    fn decide<'a>(&self, txn: &'a PbTxnRequest, newest: i64) -> Result<Decided<'a>> {
        let succeeded = txn.compare.iter().all(|compare| self.holds(compare, newest));
        let branch = if succeeded { &txn.success } else { &txn.failure };
        let steps = branch.iter().map(|op| match &op.request {
            Some(PbTxnOpRequest::RequestPut(put)) => Ok(Step::Put(put)),
            Some(PbTxnOpRequest::RequestDeleteRange(delete)) => Ok(Step::Delete(delete)),
            Some(PbTxnOpRequest::RequestRange(range)) => Ok(Step::Range(range)),
            Some(PbTxnOpRequest::RequestTxn(txn)) => Ok(Step::Txn(self.decide(txn, newest)?)),
            None => Err(Error::KeyNotFound),
        });
        Ok(Decided { succeeded, steps: steps.collect::<Result<_>>()? })
    }

    fn check_puts(&self, decided: &Decided<'_>) -> Result<()> {
        decided.steps.iter().try_for_each(|step| match step {
            Step::Put(put) => self.check_put_applies(put),
            Step::Txn(inner) => self.check_puts(inner),
            Step::Delete(_) | Step::Range(_) => Ok(()),
        })
    }

    fn check_ranges(&self, decided: &Decided<'_>, newest: i64) -> Result<()> {
        decided.steps.iter().try_for_each(|step| match step {
            // Unlike a range alone, to which a revision below 0 is the newest one.
            Step::Range(range) if range.revision < self.compacted && range.revision != 0 => {
                Err(Error::Compacted)
            }
            Step::Range(range) => self.check_readable(range.revision, newest),
            Step::Txn(inner) => self.check_ranges(inner, newest),
            Step::Put(_) | Step::Delete(_) => Ok(()),
        })
    }

    fn apply(&mut self, decided: &Decided<'_>, changes: &mut Changes) -> PbTxnResponse {
        let mut responses = Vec::new();
        for step in &decided.steps {
            let response = match step {
                Step::Put(put) => PbTxnOpResponse::ResponsePut(self.apply_put(put, changes)),
                Step::Delete(delete) => {
                    PbTxnOpResponse::ResponseDeleteRange(self.apply_delete(delete, changes))
                }
                Step::Range(range) => {
                    let newest = self.revision + i64::from(!changes.is_empty());
                    PbTxnOpResponse::ResponseRange(self.read(range, newest))
                }
                Step::Txn(inner) => PbTxnOpResponse::ResponseTxn(self.apply(inner, changes)),
            };
            responses.push(PbResponseOp { response: Some(response) });
        }
        PbTxnResponse { header: header(0), succeeded: decided.succeeded, responses }
    }

    fn answer(&self, decided: &Decided<'_>, newest: i64) -> PbTxnResponse {
        let responses = decided.steps.iter().filter_map(|step| match step {
            Step::Range(range) => Some(PbTxnOpResponse::ResponseRange(self.read(range, newest))),
            Step::Txn(inner) => Some(PbTxnOpResponse::ResponseTxn(self.answer(inner, newest))),
            Step::Put(_) | Step::Delete(_) => None,
        });
        let responses = responses.map(|response| PbResponseOp { response: Some(response) });
        PbTxnResponse {
            // As in `apply`: only the outermost one tells the revision.
            header: header(0),
            succeeded: decided.succeeded,
            responses: responses.collect(),
        }
    }

    /// Whether a comparison holds for all keys that it names.
    fn holds(&self, compare: &PbCompare, newest: i64) -> bool {
        let span = Span::new(&compare.key, &compare.range_end);
        let mut found = self.live_in(&span, newest).peekable();
        match found.peek() {
            Some(_) => found.all(|kv| compare_one(compare, kv)),
            // A key that does not exist has no value to compare, but its numbers are all 0.
            None if compare.target() == PbCompareTarget::Value => false,
            None => compare_one(compare, &PbKeyValue::default()),
        }
    }
}

fn compare_one(compare: &PbCompare, kv: &PbKeyValue) -> bool {
    // An operand of another kind than the target counts as 0 or empty.
    let given = compare.target_union.as_ref();
    let order = match (compare.target(), given) {
        (PbCompareTarget::Version, Some(PbTargetUnion::Version(given))) => kv.version.cmp(given),
        (PbCompareTarget::Version, _) => kv.version.cmp(&0),
        (PbCompareTarget::Create, Some(PbTargetUnion::CreateRevision(given))) => {
            kv.create_revision.cmp(given)
        }
        (PbCompareTarget::Create, _) => kv.create_revision.cmp(&0),
        (PbCompareTarget::Mod, Some(PbTargetUnion::ModRevision(given))) => {
            kv.mod_revision.cmp(given)
        }
        (PbCompareTarget::Mod, _) => kv.mod_revision.cmp(&0),
        (PbCompareTarget::Lease, Some(PbTargetUnion::Lease(given))) => kv.lease.cmp(given),
        (PbCompareTarget::Lease, _) => kv.lease.cmp(&0),
        (PbCompareTarget::Value, Some(PbTargetUnion::Value(given))) => kv.value.cmp(given),
        (PbCompareTarget::Value, _) => kv.value.is_empty().cmp(&true).reverse(),
    };
    match compare.result() {
        CompareOp::Equal => order.is_eq(),
        CompareOp::NotEqual => order.is_ne(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::Less => order.is_lt(),
    }
}
