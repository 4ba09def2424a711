//! No answer is an internal error: whatever goes wrong around a service has a kind of its own.

use drydock_core::error::Kind;

use super::{Checks, Evidence, Violation};
use crate::history::Answer;

pub const ORACLE: &str = "answers";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    for operation in evidence.operations {
        let Some(Answer::Refused { kind, message, .. }) = operation.answer() else {
            continue;
        };
        checks.done(ORACLE, 1);
        if *kind == Kind::Internal && !evidence.injected {
            checks.violated(Violation::new(
                ORACLE,
                "a request was answered with an internal error",
                operation.to_string(),
                format!("its message is `{message}`"),
            ));
        }
    }
}
