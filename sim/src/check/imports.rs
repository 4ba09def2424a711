//! I6: import is all-or-nothing; afterwards the state equals the import and nothing else.

use drydock_core::log::format::{Body, Reason};

use super::exports::difference;
use super::{Checks, Evidence, Violation};
use crate::export::Export;
use crate::history::{Call, Intent, Operation, Reply};

pub const ORACLE: &str = "I6 import";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let imports: Vec<(&Operation, &[u8], Intent)> = evidence
        .operations
        .iter()
        .filter_map(|operation| match &operation.call {
            Call::Import { body, intent } => Some((operation, &body[..], *intent)),
            _ => None,
        })
        .collect();
    for (operation, _, intent) in &imports {
        checks.done(ORACLE, 1);
        if *intent == Intent::Damaged && operation.reply().is_some() {
            let sentence = "a damaged import was accepted";
            let fact = "the stream was damaged on purpose";
            checks.violated(Violation::new(ORACLE, sentence, operation.to_string(), fact));
        }
    }
    let mut claimed = vec![false; imports.len()];
    for commit in &evidence.truth.commits {
        if let Body::Switch { reason: Reason::Import } = commit.value.body {
            let position = commit.value.position;
            let mut candidates = imports.iter().enumerate().filter(|(index, (operation, ..))| {
                !claimed[*index]
                    && operation.called < commit.seq
                    && match operation.reply() {
                        Some(Reply::Imported { position: at, .. }) => *at == position,
                        _ => operation.is_open(),
                    }
            });
            let fact = format!("position {position} switches the lineage");
            match candidates.next_back() {
                Some((index, (operation, body, intent))) => {
                    claimed[index] = true;
                    if *intent != Intent::Restore {
                        let sentence = "an import that must change nothing switched the lineage";
                        let operation = operation.to_string();
                        checks.violated(Violation::new(ORACLE, sentence, operation, fact));
                        continue;
                    }
                    compare(evidence, operation, body, commit.value.id, checks);
                }
                None => checks.violated(Violation::new(
                    ORACLE,
                    "the lineage was switched without an import",
                    fact,
                    "no import asked for it, or all have been applied already",
                )),
            }
        }
    }
    for ((operation, _, intent), claimed) in imports.iter().zip(claimed) {
        if *intent == Intent::Restore && operation.reply().is_some() && !claimed {
            let sentence = "an acknowledged import is not in the log";
            let fact = "no commit switches the lineage at its position";
            checks.violated(Violation::new(ORACLE, sentence, operation.to_string(), fact));
        }
    }
}

fn compare(
    evidence: &Evidence<'_>,
    operation: &Operation,
    body: &[u8],
    commit: uuid::Uuid,
    checks: &mut Checks,
) {
    let Ok(wanted) = Export::parse(body) else {
        return;
    };
    let problem = match evidence.truth.switched.get(&commit) {
        None => Some("the state it switched to cannot be read".to_owned()),
        Some(state) => difference(state, &wanted.state),
    };
    if let Some(problem) = problem {
        checks.violated(Violation::new(
            ORACLE,
            "the state after an import is not what was imported",
            operation.to_string(),
            problem,
        ));
    }
}
