//! What was answered: an acknowledged run is in the log, once; nothing is there that nobody asked
//! for; what was read was so; and what is not as it should be is refused.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{Phase, RunResult};
use drydock_core::error::Kind;
use drydock_core::log::format::{Body, Commit, Reason};
use drydock_core::store::Durability;
use drydock_runservice::record::Run;
use uuid::Uuid;

use super::records::StateChange;
use super::{Checks, Evidence, Violation};
use crate::history::{Answer, Call, Operation, Reads, Reply, RunSeen, RunsCall, RunsReply};
use crate::timeline::{At, Timeline};

pub const ORACLE: &str = "runs";

/// A version of a run, in force from the `nth` state on.
struct Version {
    nth: usize,
    revision: u64,
    phase: Phase,
    result: RunResult,
    is_stopped: bool,
}

#[derive(Default)]
pub struct Requests {
    versions: BTreeMap<Uuid, Vec<Version>>,
    /// The runs of each name, and whether each is part of the past at the end.
    names: BTreeMap<String, Vec<Uuid>>,
    numbers: BTreeMap<Uuid, u64>,
    /// Runs that were there and are not any more, from which state on, and by what.
    lost: BTreeMap<Uuid, Vec<(usize, Loss)>>,
    /// The commit that made each run first.
    made: BTreeMap<Uuid, Option<Uuid>>,
    /// Imports and restores.
    switches: BTreeSet<Uuid>,
    /// The runs of the last state.
    last: BTreeSet<Uuid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Somebody imported another state, or went back to one.
    Wanted,
    /// The coordination store was lost or set back.
    Store,
    /// Nothing that may take a run away.
    Other,
}

impl Requests {
    pub fn new(timeline: &Timeline) -> Requests {
        let wanted = |commit: &&At<Commit>| {
            matches!(commit.value.body, Body::Switch { reason: Reason::Import | Reason::Restore })
        };
        let switches = timeline.commits.iter().filter(wanted).map(|commit| commit.value.id);
        Requests { switches: switches.collect(), ..Requests::default() }
    }

    pub fn look(&mut self, change: &StateChange<'_>) {
        let now: BTreeSet<Uuid> = change.now.runs.keys().copied().collect();
        let is_wanted = change.place.commit.is_some_and(|commit| self.switches.contains(&commit));
        let loss = match change.place.jump {
            true if is_wanted => Loss::Wanted,
            true => Loss::Store,
            false => Loss::Other,
        };
        for run in self.last.difference(&now) {
            self.lost.entry(*run).or_default().push((change.place.nth, loss));
        }
        for run in change.runs() {
            let versions = self.versions.entry(run.id.0).or_default();
            if versions.is_empty() {
                self.made.insert(run.id.0, change.place.commit);
                self.numbers.insert(run.id.0, run.number);
                if run.restart_of.is_none() {
                    self.names.entry(run.name.clone()).or_default().push(run.id.0);
                }
            }
            versions.push(version(change.place.nth, run));
        }
        self.last = now;
    }

    pub fn finish(&self, evidence: &Evidence<'_>, checks: &mut Checks) {
        let mut keys: BTreeMap<u64, (&Operation, &RunSeen)> = BTreeMap::new();
        let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
        for operation in evidence.operations {
            let Call::Runs(call) = &operation.call else { continue };
            match (call, operation.reply()) {
                (RunsCall::Bad { .. }, _) => refused(operation, checks),
                (RunsCall::Create { new, key }, reply) => {
                    *asked.entry(new.name.as_deref().unwrap_or_default()).or_default() += 1;
                    let Some(Reply::Runs(RunsReply::Run(seen))) = reply else { continue };
                    self.created(evidence, operation, seen, checks);
                    let (first, known) = *keys.entry(*key).or_insert((operation, seen));
                    if (known.id, known.number) != (seen.id, seen.number)
                        && !self.went(evidence, known.id.0, [first, operation])
                    {
                        let sentence = "one key was answered with two runs";
                        let facts = [first.to_string(), operation.to_string()];
                        checks.violated(violation(sentence, facts));
                    }
                }
                (RunsCall::Look { reads, .. }, Some(Reply::Runs(RunsReply::Run(seen))))
                    if *reads == Reads::Linearizable =>
                {
                    self.looked(evidence, operation, seen, checks);
                }
                (RunsCall::Stop { run }, Some(Reply::Done)) => {
                    let stopped = |it: &Version| it.is_stopped || it.phase.is_final();
                    self.found(evidence, operation, run.0, &stopped, checks);
                }
                (RunsCall::Cancel { run }, Some(Reply::Done)) => {
                    let cancelled = |it: &Version| it.phase == Phase::Cancelled;
                    self.found(evidence, operation, run.0, &cancelled, checks);
                }
                _ => {}
            }
        }
        self.unasked(&asked, checks);
    }

    /// An acknowledged run is in the log, and remains there.
    fn created(
        &self,
        evidence: &Evidence<'_>,
        operation: &Operation,
        seen: &RunSeen,
        checks: &mut Checks,
    ) {
        checks.done(ORACLE, 1);
        let end = evidence.timeline.nth_at(operation.end_seq());
        let first = self.versions.get(&seen.id.0).and_then(|versions| versions.first());
        if first.is_none_or(|first| first.nth > end) {
            let fact = format!("run {} is not in the log by then", seen.id);
            let sentence = "an acknowledged run is not in the log";
            checks.violated(violation(sentence, [operation.to_string(), fact]));
        }
        if self.numbers.get(&seen.id.0).is_some_and(|number| *number != seen.number) {
            let fact = format!("the log says {:?}", self.numbers.get(&seen.id.0));
            let sentence = "a run was answered with another number than it has";
            checks.violated(violation(sentence, [operation.to_string(), fact]));
        }
        if let Some(why) = self.wrongly_lost(evidence, seen.id.0) {
            let fact = format!("run {}: {why}", seen.id);
            let sentence = "an acknowledged run was lost";
            checks.violated(violation(sentence, [operation.to_string(), fact]));
        }
    }

    /// Why a run should still be there, if it is not.
    fn wrongly_lost(&self, evidence: &Evidence<'_>, run: Uuid) -> Option<String> {
        let losses = self.lost.get(&run)?;
        losses.iter().find_map(|(nth, loss)| match loss {
            Loss::Wanted => None,
            Loss::Other => Some(format!("the {nth}th state lacks it")),
            // What was archived comes back from objects.
            Loss::Store => {
                let made = self.made.get(&run).copied().flatten();
                let is_past =
                    made.is_some_and(|made| evidence.timeline.surviving().contains(&made));
                let is_archived = evidence.durability == Durability::Archived;
                (is_past || is_archived)
                    .then(|| format!("the {nth}th state, after a loss of the store, lacks it"))
            }
        })
    }

    fn looked(
        &self,
        evidence: &Evidence<'_>,
        operation: &Operation,
        seen: &RunSeen,
        checks: &mut Checks,
    ) {
        let is_same = |it: &Version| {
            (it.revision, it.phase, it.result) == (seen.revision, seen.phase, seen.result)
        };
        self.found(evidence, operation, seen.id.0, &is_same, checks);
    }

    /// At some change of the call, the run was as `wanted`.
    fn found(
        &self,
        evidence: &Evidence<'_>,
        operation: &Operation,
        run: Uuid,
        wanted: &dyn Fn(&Version) -> bool,
        checks: &mut Checks,
    ) {
        checks.done(ORACLE, 1);
        let first = evidence.timeline.nth_at(operation.called);
        let last = evidence.timeline.nth_at(operation.end_seq());
        let versions = self.versions.get(&run).map_or(&[][..], |versions| versions);
        let mut in_force = versions.iter().enumerate().filter(|(at, version)| {
            let until = versions.get(at + 1).map_or(usize::MAX, |next| next.nth);
            version.nth <= last && until > first
        });
        if !in_force.any(|(_, version)| wanted(version)) {
            let sentence = "an answer about a run was not so at any change of the call";
            let fact = format!("its states from the {first}th to the {last}th are others");
            checks.violated(violation(sentence, [operation.to_string(), fact]));
        }
    }

    /// Somebody asked for every run, and for no more than one of a name.
    fn unasked(&self, asked: &BTreeMap<&str, u64>, checks: &mut Checks) {
        for (name, runs) in &self.names {
            checks.done(ORACLE, 1);
            if !asked.contains_key(&**name) {
                let sentence = "the log has a run that nobody asked for";
                checks.violated(violation(sentence, [name.clone(), format!("{runs:?}")]));
            }
            // The key is in every state that has the run.
            let kept = runs.iter().filter(|run| self.last.contains(run)).count();
            if kept > 1 {
                let sentence = "a run was created twice under one key";
                checks.violated(violation(sentence, [name.clone(), format!("{runs:?}")]));
            }
        }
    }

    /// Whether a run was gone at some change from the first call to the end of the last.
    fn went(&self, evidence: &Evidence<'_>, run: Uuid, [first, last]: [&Operation; 2]) -> bool {
        let from = evidence.timeline.nth_at(first.called);
        let to = evidence.timeline.nth_at(last.end_seq());
        let losses = self.lost.get(&run).map_or(&[][..], |losses| losses);
        let is_late = self.versions.get(&run).is_none_or(|versions| versions.is_empty());
        is_late || losses.iter().any(|(nth, _)| (from..=to).contains(nth))
    }
}

fn version(nth: usize, run: &Run) -> Version {
    let Run { revision, phase, result, stop, .. } = run;
    let is_stopped = stop.is_some();
    Version { nth, revision: *revision, phase: *phase, result: *result, is_stopped }
}

/// What must be refused was, as something that the caller did wrong.
fn refused(operation: &Operation, checks: &mut Checks) {
    checks.done(ORACLE, 1);
    let problem = match operation.answer() {
        Some(Answer::Ok(_)) => "it was accepted",
        Some(Answer::Refused { kind: Kind::Internal, .. }) => "it was an internal error",
        _ => return,
    };
    let sentence = "a request that must be refused was not";
    checks.violated(violation(sentence, [operation.to_string(), problem.to_owned()]));
}

fn violation(sentence: &str, [one, other]: [String; 2]) -> Violation {
    Violation::new(ORACLE, sentence, one, other)
}
