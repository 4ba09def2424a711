//! I6: import is all-or-nothing; afterwards the state equals the import and nothing else. The same
//! holds for the way back to a lineage, whose last state is known from an export.

use drydock_core::log::format::{Body, Commit, Reason};

use super::exports::difference;
use super::{Checks, Evidence, Violation};
use crate::history::{Call, Intent, Operation, Reply};
use crate::timeline::At;
use crate::timeline::export::Export;

pub const ORACLE: &str = "I6 import";

/// An operation that switches the lineage, or must not.
struct Replacement<'a> {
    operation: &'a Operation,
    /// The state afterwards, as an export.
    body: &'a [u8],
    reason: Reason,
    intent: Intent,
    claimed: bool,
}

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    refused(evidence, checks);
    let mut replacements: Vec<Replacement<'_>> =
        evidence.operations.iter().filter_map(replacement).collect();
    for commit in &evidence.timeline.commits {
        if let Body::Switch { reason: reason @ (Reason::Import | Reason::Restore) } =
            commit.value.body
        {
            switched(evidence, commit, reason, &mut replacements, checks);
        }
    }
    for Replacement { operation, intent, claimed, .. } in &replacements {
        if *intent == Intent::Restore && operation.reply().is_some() && !claimed {
            let sentence = "an acknowledged import is not in the log";
            let fact = "no commit switches the lineage at its position";
            checks.violated(Violation::new(ORACLE, sentence, operation.to_string(), fact));
        }
    }
}

/// A damaged import is refused.
pub fn refused(evidence: &Evidence<'_>, checks: &mut Checks) {
    for Replacement { operation, intent, .. } in evidence.operations.iter().filter_map(replacement)
    {
        checks.done(ORACLE, 1);
        if intent == Intent::Damaged && operation.reply().is_some() {
            let sentence = "a damaged import was accepted";
            let fact = "the stream was damaged on purpose";
            checks.violated(Violation::new(ORACLE, sentence, operation.to_string(), fact));
        }
    }
}

fn replacement(operation: &Operation) -> Option<Replacement<'_>> {
    let (body, reason, intent) = match &operation.call {
        Call::Import { body, intent } => (body, Reason::Import, *intent),
        Call::GoBack { body, .. } => (body, Reason::Restore, Intent::Restore),
        _ => return None,
    };
    Some(Replacement { operation, body, reason, intent, claimed: false })
}

/// Somebody asked for this switch, and the state is what they asked for.
fn switched(
    evidence: &Evidence<'_>,
    commit: &At<Commit>,
    reason: Reason,
    replacements: &mut [Replacement<'_>],
    checks: &mut Checks,
) {
    let position = commit.value.position;
    let asked = |replacement: &&mut Replacement<'_>| {
        !replacement.claimed
            && replacement.reason == reason
            && replacement.operation.called < commit.seq
            && match replacement.operation.reply() {
                Some(Reply::Imported { position: at, .. } | Reply::WentBack { position: at }) => {
                    *at == position
                }
                _ => replacement.operation.is_open(),
            }
    };
    let fact = format!("position {position} switches the lineage");
    let Some(asked) = replacements.iter_mut().rfind(asked) else {
        checks.violated(Violation::new(
            ORACLE,
            "the lineage was switched without an import",
            fact,
            "no import asked for it, or all have been applied already",
        ));
        return;
    };
    asked.claimed = true;
    if asked.intent == Intent::Restore {
        compare(evidence, asked, commit.value.id, checks);
    } else {
        let sentence = "an import that must change nothing switched the lineage";
        checks.violated(Violation::new(ORACLE, sentence, asked.operation.to_string(), fact));
    }
}

fn compare(
    evidence: &Evidence<'_>,
    asked: &Replacement<'_>,
    commit: uuid::Uuid,
    checks: &mut Checks,
) {
    let Ok(wanted) = Export::parse(asked.body) else {
        return;
    };
    let problem = match evidence.timeline.switched.get(&commit) {
        None => Some("the state it switched to cannot be read".to_owned()),
        Some(state) => difference(state, &wanted.state),
    };
    if let Some(problem) = problem {
        checks.violated(Violation::new(
            ORACLE,
            "the state after an import is not what was imported",
            asked.operation.to_string(),
            problem,
        ));
    }
}
