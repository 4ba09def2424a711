//! I15: after the faults stop, every live instance converges to the same state, every request is
//! answered, and nothing stays stuck, within a bounded simulated time.
//!
//! The operator looks at the end; what it still waited for is pending. That one position is one
//! state everywhere is I7's part.

use drydock_core::log::format::Mode;

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
    let mode = evidence.timeline.modes.last().map(|mode| mode.value.mode);
    let left = evidence.timeline.leftovers();
    // In maintenance nobody deletes them.
    if left > 0 && mode != Some(Mode::Maintenance) {
        checks.pending.push(format!("the objects of {left} deleted subtrees"));
    }
    checks.done(ORACLE, final_state.exports.len() as u64);
}
