//! I7: an export with a trailer is complete and equals the state at its position, which is not
//! older than its request.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Checks, Evidence, Violation};
use crate::history::{Operation, Reply};
use crate::timeline::State;
use crate::timeline::export::Export;

pub const ORACLE: &str = "I7 export";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let mut wanted: BTreeMap<u64, Vec<Wanted<'_>>> = BTreeMap::new();
    for operation in evidence.operations {
        let Some(Reply::Export(bytes)) = operation.reply() else {
            continue;
        };
        checks.done(ORACLE, 1);
        match Export::parse(bytes) {
            Err(why) => checks.violated(not_one(operation, why)),
            Ok(export) => {
                let oldest = evidence.timeline.nth_at(operation.called);
                let newest = evidence.timeline.nth_at(operation.end_seq());
                let at = wanted.entry(export.position).or_default();
                at.push(Wanted { operation, export, span: oldest..=newest, found: None });
            }
        }
    }
    evidence.timeline.replay(|place, state| {
        for wanted in wanted.get_mut(&place.position).into_iter().flatten() {
            // The same position may have had other states, which are lost.
            if wanted.span.contains(&place.nth) && wanted.found != Some(Found::Same) {
                let difference = difference(&wanted.export.state, state);
                wanted.found = Some(difference.map_or(Found::Same, Found::Other));
            } else if wanted.found.is_none() && place.nth < *wanted.span.start() {
                wanted.found = Some(Found::Old);
            }
        }
    });
    for (position, exports) in wanted {
        for Wanted { operation, found, .. } in exports {
            let operation = operation.to_string();
            match found {
                Some(Found::Same) => {}
                Some(Found::Other(difference)) => checks.violated(Violation::new(
                    ORACLE,
                    format!("an export is not the state at its position {position}"),
                    operation,
                    difference,
                )),
                Some(Found::Old) => checks.violated(Violation::new(
                    ORACLE,
                    "an export is older than its request",
                    operation,
                    format!("when it was asked for, position {position} was past"),
                )),
                None => checks.violated(Violation::new(
                    ORACLE,
                    "an export is from a position that does not exist",
                    operation,
                    format!("the log has no position {position} by then"),
                )),
            }
        }
    }
}

/// Only that what was answered with success is an export.
pub fn whole(evidence: &Evidence<'_>, checks: &mut Checks) {
    for operation in evidence.operations {
        let Some(Reply::Export(bytes)) = operation.reply() else {
            continue;
        };
        checks.done(ORACLE, 1);
        if let Err(why) = Export::parse(bytes) {
            checks.violated(not_one(operation, why));
        }
    }
}

fn not_one(operation: &Operation, why: String) -> Violation {
    let sentence = "an export that was answered with success is not one";
    Violation::new(ORACLE, sentence, operation.to_string(), why)
}

/// An export, and the states that it may be.
struct Wanted<'a> {
    operation: &'a Operation,
    export: Export,
    span: RangeInclusive<usize>,
    found: Option<Found>,
}

#[derive(PartialEq)]
enum Found {
    Same,
    Other(String),
    /// Its position only existed before it was asked for.
    Old,
}

/// The first difference between what was `found` and what is `true`.
pub fn difference(found: &State, timeline: &State) -> Option<String> {
    let missing = timeline.iter().find(|(key, _)| !found.contains_key(*key));
    if let Some(((kind, id), value)) = missing {
        return Some(format!("it lacks {kind} {id}: {value}"));
    }
    let differs = found.iter().find(|(key, value)| timeline.get(*key) != Some(*value));
    let ((kind, id), value) = differs?;
    Some(match timeline.get(&(kind.clone(), *id)) {
        Some(timeline) => format!("{kind} {id} is {value} in it, and {timeline} in the log"),
        None => format!("it has {kind} {id}: {value}, which the log does not have then"),
    })
}
