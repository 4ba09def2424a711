//! I15: after the faults stop, every live instance converges to the same state, every request is
//! answered, and nothing stays stuck, within a bounded simulated time.
//!
//! The operator looks at the end; what it still waited for is pending: the same state everywhere,
//! in which nothing is left of deleted subtrees. That one position is one state is I7's part.

use super::{Checks, Evidence};
use crate::plan::hosts::is_executor;
use crate::timeline::export::Export;
use crate::timeline::leftovers;

pub const ORACLE: &str = "I15 converge";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let final_state = evidence.final_state;
    checks.pending.extend(final_state.pending.iter().cloned());
    for operation in evidence.operations {
        // An executor asks until the end, and its process may die meanwhile.
        if operation.ended.is_none() && !is_executor(&operation.client) {
            checks.pending.push(operation.to_string());
        }
    }
    for (instance, bytes) in &final_state.exports {
        checks.done(ORACLE, 1);
        let left = Export::parse(bytes).map_or(0, |export| leftovers(&export.state));
        if left > 0 && checks.pending.is_empty() {
            let host = evidence.service.host(*instance);
            checks.pending.push(format!("the end of {left} deleted subtrees in {host}"));
        }
    }
}
