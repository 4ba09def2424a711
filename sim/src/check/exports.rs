//! I7: an export with a trailer is complete and equals the state at its position, which is not
//! older than its request.

use std::collections::BTreeMap;

use super::{Checks, Evidence, Violation};
use crate::export::Export;
use crate::history::{Operation, Reply};
use crate::truth::State;

pub const ORACLE: &str = "I7 export";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let mut wanted: BTreeMap<u64, Vec<(&Operation, Export)>> = BTreeMap::new();
    for operation in evidence.operations {
        let Some(Reply::Export(bytes)) = operation.reply() else {
            continue;
        };
        checks.done(ORACLE, 1);
        match Export::parse(bytes) {
            Err(why) => checks.violated(Violation::new(
                ORACLE,
                "an export that was answered with success is not one",
                operation.to_string(),
                why,
            )),
            Ok(export) => {
                let oldest = evidence.truth.position_at(operation.called);
                if export.position < oldest {
                    checks.violated(Violation::new(
                        ORACLE,
                        "an export is older than its request",
                        format!("{operation}, at position {}", export.position),
                        format!("the head was at position {oldest} when it was asked for"),
                    ));
                }
                let at = wanted.entry(export.position).or_default();
                at.push((operation, export));
            }
        }
    }
    evidence.truth.replay(|position, state| {
        for (operation, export) in wanted.remove(&position).unwrap_or_default() {
            if let Some(difference) = difference(&export.state, state) {
                checks.violated(Violation::new(
                    ORACLE,
                    format!("an export is not the state at its position {position}"),
                    operation.to_string(),
                    difference,
                ));
            }
        }
    });
    for (position, exports) in wanted {
        checks.violated(Violation::new(
            ORACLE,
            "an export is from a position that does not exist",
            exports[0].0.to_string(),
            format!("the log has no position {position}"),
        ));
    }
}

/// The first difference between what was `found` and what is `true`.
pub fn difference(found: &State, truth: &State) -> Option<String> {
    let missing = truth.iter().find(|(key, _)| !found.contains_key(*key));
    if let Some(((kind, id), value)) = missing {
        return Some(format!("it lacks {kind} {id}: {value}"));
    }
    let differs = found.iter().find(|(key, value)| truth.get(*key) != Some(*value));
    let ((kind, id), value) = differs?;
    Some(match truth.get(&(kind.clone(), *id)) {
        Some(truth) => format!("{kind} {id} is {value} in it, and {truth} in the log"),
        None => format!("it has {kind} {id}: {value}, which the log does not have then"),
    })
}
