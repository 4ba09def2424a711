//! What people at gateways do and see is what the permission table allows.
//!
//! - A change is allowed on a state that its transaction may have found: one before its first
//!   action, in its commit. So a right that was withdrawn before the change is in the log stops it.
//! - What was answered as done is in the log while the call lasted, as it was asked for: done to
//!   what the names and paths of the call led to, with what the call said.
//! - An answer to a question is right, and allowed, at moments between the question and the answer.
//! - Nobody is refused for a right, a token or an object that was there all the time: what was
//!   answered at one gateway is known at all.
//!
//! Lenient: two transactions may share a commit; and a change that changed nothing cannot be told
//! from the one before it, so that a later moment will do.

mod asked;
mod changes;
mod reads;

use super::{Checks, Evidence, Violation};
use crate::history::{Act, Call, GatewayCall, Operation};

pub const ORACLE: &str = "permissions";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let asked = evidence.operations.iter().filter_map(|operation| match &operation.call {
        Call::Gateway(call) => Some(Asked {
            operation,
            call,
            first: evidence.timeline.nth_at(operation.called),
            last: evidence.timeline.nth_at(operation.end_seq()),
        }),
        _ => None,
    });
    let asked: Vec<_> = asked.collect();
    checks.done(ORACLE, asked.len() as u64);
    changes::check(evidence.timeline, &asked, checks);
    reads::check(evidence.timeline, &asked, checks);
}

/// A call and the states that were in force meanwhile, see [`crate::timeline::Place::nth`].
struct Asked<'a> {
    operation: &'a Operation,
    call: &'a GatewayCall,
    first: usize,
    last: usize,
}

impl Asked<'_> {
    fn is_question(&self) -> bool {
        let act = &self.call.act;
        matches!(act, Act::GetProject { .. } | Act::ListProjects { .. } | Act::ListSecrets { .. })
    }

    fn violation(&self, sentence: &str, fact: String) -> Violation {
        Violation::new(ORACLE, sentence, self.operation.to_string(), fact)
    }
}
