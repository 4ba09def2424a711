//! I15: after the faults stop, every live instance converges to the same state, every request is
//! answered, and nothing stays stuck, within a bounded simulated time.
//!
//! The operator looks at the end; what it still waited for is pending. That one position is one
//! state everywhere is I7's part.

use super::{Checks, Evidence};
use crate::plan::hosts::is_executor;

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
    // What is left of deleted subtrees is seen by nobody, and a world ends without waiting for it.
    checks.done(ORACLE, final_state.exports.len() as u64);
}
