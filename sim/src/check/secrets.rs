//! I16: no secret is anywhere but in what a run gets.
//!
//! Looked at: every answer and its message, every export, every object that was ever stored and, of
//! plans with gateways, everything that the product logs.

use drydock_core::log::format::Mutation;

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
    if let Some(at) = stored(evidence, checks) {
        checks.violated(violation("a secret is stored without encryption", at));
    }
}

/// What every state is made of: the log's actions, and the states that switches brought.
fn stored(evidence: &Evidence<'_>, checks: &mut Checks) -> Option<String> {
    let timeline = evidence.timeline;
    let mut told = None;
    for commit in &timeline.commits {
        let at = commit.value.position;
        for action in timeline.actions(&commit.value) {
            let Mutation::Put(object) = action else { continue };
            checks.done(ORACLE, 1);
            if object.data.get().contains(MARKER) {
                let (kind, id) = (&object.r#type, object.id);
                told.get_or_insert_with(|| format!("object {id} of {kind} at position {at}"));
            }
        }
    }
    let switched = timeline.switched.iter().flat_map(|(_, state)| state);
    let base = timeline.base.iter().flat_map(|(_, state)| state);
    for ((kind, id), object) in switched.chain(base) {
        checks.done(ORACLE, 1);
        if object.to_string().contains(MARKER) {
            told.get_or_insert_with(|| format!("object {id} of {kind} after a switch"));
        }
    }
    told
}

fn tells(operation: &Operation) -> bool {
    match operation.answer() {
        Some(Answer::Refused { message, .. }) => message.contains(MARKER),
        Some(Answer::NotSent(why) | Answer::Unknown(why)) => why.contains(MARKER),
        Some(Answer::Ok(Reply::Export(bytes))) => {
            bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes())
        }
        Some(Answer::Ok(Reply::Environment(_))) | None => false,
        // Of what a claim yields only its attempt is shown.
        Some(Answer::Ok(reply)) => format!("{reply:?}").contains(MARKER),
    }
}

fn violation(sentence: &str, at: String) -> Violation {
    Violation::new(ORACLE, sentence, at, "secrets are in nothing but what a run gets")
}
