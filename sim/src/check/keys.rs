//! What was asked for twice under one idempotency key was done once: all answers say the same, and
//! none of them that it was there before. Whatever people create under a key has a name of its own.

use std::collections::BTreeMap;

use super::{Checks, Evidence, Violation};
use crate::history::{Answer, Call, Operation};
use crate::timeline::Timeline;

pub const ORACLE: &str = "idempotency keys";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let mut first: BTreeMap<u64, &Operation> = BTreeMap::new();
    let jumps = jumps(evidence.timeline);
    for operation in evidence.operations {
        let Call::Gateway(call) = &operation.call else { continue };
        let (Some(key), Some(answer)) = (call.key, operation.answer()) else { continue };
        checks.done(ORACLE, 1);
        match answer {
            Answer::Ok(reply) => {
                let known = first.entry(key).or_insert(operation);
                // Nobody knows of keys that were used after what is imported was exported.
                if jumps.iter().any(|nth| spans(evidence.timeline, [known, operation], *nth)) {
                    *known = operation;
                }
                // Of a token its value, too.
                if known.reply() != Some(reply) {
                    let sentence = "one key was answered with two objects";
                    let facts = [known.to_string(), operation.to_string()];
                    checks.violated(violation(sentence, facts));
                }
            }
            Answer::Refused { code, .. } if code.ends_with("_already_exists") => {
                let sentence = "a creation met what it had created itself";
                let fact = "nobody else uses that name".to_owned();
                checks.violated(violation(sentence, [operation.to_string(), fact]));
            }
            _ => {}
        }
    }
}

/// Where the state is not what the one before it leads to.
fn jumps(timeline: &Timeline) -> Vec<usize> {
    let mut jumps = Vec::new();
    timeline.replay(|place, _| {
        if place.jump {
            jumps.push(place.nth);
        }
    });
    jumps
}

fn spans(timeline: &Timeline, [first, last]: [&Operation; 2], nth: usize) -> bool {
    (timeline.nth_at(first.called)..=timeline.nth_at(last.end_seq())).contains(&nth)
}

fn violation(sentence: &str, [one, other]: [String; 2]) -> Violation {
    Violation::new(ORACLE, sentence, one, other)
}
