//! I11: what executors really did, compared with what the service believes. A step of an attempt
//! starts at most once, on one machine, after the claim; and what is reported did happen.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{AttemptPhase, Reason, StepExit};
use drydock_harness::record::{Entry, Mark, Seq};
use drydock_runservice::record::Attempt;

use super::records::StateChange;
use super::{Checks, Violation};

pub const ORACLE: &str = "I11 start once";

/// The ledger by attempts.
pub struct Steps<'a> {
    of: BTreeMap<&'a str, Vec<&'a Entry>>,
    /// When the log had each attempt first.
    claimed: BTreeMap<String, Seq>,
}

impl<'a> Steps<'a> {
    pub fn new(ledger: &'a [Entry]) -> Steps<'a> {
        let mut of: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in ledger {
            of.entry(&entry.work).or_default().push(entry);
        }
        Steps { of, claimed: BTreeMap::new() }
    }

    pub fn look(&mut self, change: &StateChange<'_>, checks: &mut Checks) {
        if change.place.jump {
            let all = change.now.attempts.keys().map(ToString::to_string);
            all.for_each(|id| {
                self.claimed.entry(id).or_insert(change.seq);
            });
        }
        for (before, attempt) in change.attempts() {
            let id = attempt.id.to_string();
            self.claimed.entry(id).or_insert(change.seq);
            let ended = before.is_none_or(|before| !before.phase.is_final());
            if ended && attempt.phase.is_final() && !change.place.jump {
                checks.done(ORACLE, 1);
                if let Some(problem) = self.untrue(attempt, change.seq) {
                    let sentence = "an attempt is said to have ended as it did not";
                    let fact = format!("attempt {} is {}", attempt.id, attempt.phase);
                    checks.violated(Violation::new(ORACLE, sentence, fact, problem));
                }
            }
        }
    }

    /// What contradicts the end of an attempt.
    fn untrue(&self, attempt: &Attempt, ended: Seq) -> Option<String> {
        let entries = self.of.get(&*attempt.id.to_string()).cloned().unwrap_or_default();
        let did = |part: usize, mark: &Mark| {
            let mut found = entries.iter().filter(|it| it.seq < ended && it.part == part);
            found.any(|it| it.mark == *mark)
        };
        for (part, step) in attempt.steps.iter().enumerate() {
            let Some(StepExit::Code(code)) = step.exit else { continue };
            if !did(part, &Mark::Ended(code.to_string())) {
                return Some(format!("step {part} did not end with {code}"));
            }
        }
        match (attempt.phase, attempt.reason) {
            (AttemptPhase::Success, _) if attempt.steps.is_empty() => {
                Some("none of its steps ended".to_owned())
            }
            (AttemptPhase::Failed, Some(Reason::ClaimLost)) if !entries.is_empty() => {
                Some(entries[0].to_string())
            }
            _ => None,
        }
    }

    /// What the ledger says by itself.
    pub fn finish(&self, checks: &mut Checks) {
        for (work, entries) in &self.of {
            checks.done(ORACLE, entries.len() as u64);
            let claimed = self.claimed.get(*work);
            let first = entries[0];
            if claimed.is_none_or(|claimed| *claimed > first.seq) {
                let sentence = "a step was started of which the log had no attempt";
                let fact = format!("attempt {work}");
                checks.violated(Violation::new(ORACLE, sentence, first.to_string(), fact));
            }
            if let Some((one, other)) = twice(entries) {
                let sentence = "a step of an attempt was started twice, or out of its order";
                let facts = [one.to_string(), other.to_string()];
                let [one, other] = facts;
                checks.violated(Violation::new(ORACLE, sentence, one, other));
            }
        }
    }
}

/// Two entries of one attempt that must not both be there.
fn twice<'a>(entries: &[&'a Entry]) -> Option<(&'a Entry, &'a Entry)> {
    let starts: Vec<&Entry> =
        entries.iter().copied().filter(|it| it.mark == Mark::Started).collect();
    let in_order = starts.windows(2).find(|pair| pair[0].part >= pair[1].part);
    let elsewhere = entries.windows(2).find(|pair| pair[0].host != pair[1].host);
    // One step after the other: what started has ended before the next one starts.
    let overlaps = entries.windows(2).find(|pair| {
        let both = pair.iter().all(|it| it.mark == Mark::Started);
        both || pair.iter().all(|it| it.mark != Mark::Started)
    });
    let found = in_order.map(|pair| (pair[0], pair[1]));
    found.or(elsewhere.or(overlaps).map(|pair| (pair[0], pair[1])))
}
