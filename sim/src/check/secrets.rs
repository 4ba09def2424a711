//! I16: no secret is anywhere but in what a run gets.
//!
//! Looked at: every answer and its message, every export, every object that was ever stored and, of
//! plans with gateways, everything that the product logs.

use super::{Checks, Evidence, Violation};
use crate::history::{Answer, MARKER, Operation, Reply};
use crate::product::Log;

pub const ORACLE: &str = "I16 secrets";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    for operation in evidence.operations {
        checks.done(ORACLE, 1);
        if tells(operation) {
            let at = operation.to_string();
            checks.violated(violation("an answer holds a secret", at));
        }
    }
    checks.done(ORACLE, evidence.log.map_or(0, Log::lines));
    if let Some(line) = evidence.log.and_then(Log::told) {
        checks.violated(violation("a log line holds a secret", line));
    }
    let mut told = None;
    evidence.timeline.replay(|place, state| {
        checks.done(ORACLE, 1);
        let mut open = state.iter().filter(|(_, object)| object.to_string().contains(MARKER));
        if let (None, Some(((kind, id), _))) = (&told, open.next()) {
            told = Some(format!("object {id} of {kind} at position {}", place.position));
        }
    });
    if let Some(at) = told {
        checks.violated(violation("a secret is stored without encryption", at));
    }
}

fn tells(operation: &Operation) -> bool {
    match operation.answer() {
        Some(Answer::Refused { message, .. }) => message.contains(MARKER),
        Some(Answer::NotSent(why) | Answer::Unknown(why)) => why.contains(MARKER),
        Some(Answer::Ok(Reply::Export(bytes))) => {
            bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes())
        }
        // Of what a claim yields only its attempt is shown.
        Some(Answer::Ok(Reply::Environment(_))) | None => false,
        Some(Answer::Ok(reply)) => format!("{reply:?}").contains(MARKER),
    }
}

fn violation(sentence: &str, at: String) -> Violation {
    Violation::new(ORACLE, sentence, at, "secrets are in nothing but what a run gets")
}
