//! The bytes of logs: a log that is called complete is what its step has printed; whoever reads one
//! sees a part of that; no attempt is released before; and at the end every log is complete that an
//! executor has.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{AttemptId, LogState, Reason, RunId, TaskName};
use drydock_harness::record::Output;
use drydock_runservice::record::Attempt;
use uuid::Uuid;

use super::records::StateChange;
use super::{Checks, Evidence, Violation};
use crate::history::{Call, LogName, LogSeen, Operation, Reply, RunsCall, RunsReply};

pub const ORACLE: &str = "log bytes";

pub struct Logs<'a> {
    evidence: &'a Evidence<'a>,
    output: &'a Output,
    /// Attempts of which an executor has reported another end.
    lied: BTreeSet<AttemptId>,
    /// Attempts of which it has sent something that was not printed.
    garbled: BTreeSet<AttemptId>,
    /// The state in which the log of each attempt was complete or given up first.
    settled: BTreeMap<Uuid, usize>,
    /// The versions that were judged.
    judged: BTreeSet<(Uuid, String)>,
    named: BTreeMap<(RunId, TaskName, u32), BTreeSet<AttemptId>>,
    /// Of the last state.
    attempts: BTreeMap<Uuid, Attempt>,
    executors: BTreeSet<Uuid>,
    /// Whether another state was imported or gone back to.
    has_jumped: bool,
}

impl<'a> Logs<'a> {
    pub fn new(evidence: &'a Evidence<'a>, output: &'a Output) -> Logs<'a> {
        Logs {
            lied: evidence.operations.iter().filter_map(lie).collect(),
            garbled: evidence.operations.iter().filter_map(|it| garbled(it, output)).collect(),
            evidence,
            output,
            settled: BTreeMap::new(),
            judged: BTreeSet::new(),
            named: BTreeMap::new(),
            attempts: BTreeMap::new(),
            executors: BTreeSet::new(),
            has_jumped: false,
        }
    }

    pub fn look(&mut self, change: &StateChange<'_>, checks: &mut Checks) {
        let changed: Vec<&Attempt> = match change.place.jump {
            true => change.now.attempts.values().collect(),
            false => change.attempts().map(|(_, attempt)| attempt).collect(),
        };
        self.has_jumped |= change.place.jump && change.place.nth > 0;
        if change.place.jump {
            self.attempts.clear();
        }
        for attempt in changed {
            let name = (attempt.run, attempt.name.clone(), attempt.number);
            self.named.entry(name).or_default().insert(attempt.id);
            self.attempts.insert(attempt.id.0, attempt.clone());
            if attempt.log_state == LogState::Live {
                continue;
            }
            self.settled.entry(attempt.id.0).or_insert(change.place.nth);
            if self.judged.insert((attempt.id.0, format!("{:?}", attempt.sealed))) {
                checks.done(ORACLE, 1);
                if let Some((sentence, fact)) = self.untrue(attempt) {
                    let fact = format!("attempt {} of {}: {fact}", attempt.id, attempt.name);
                    checks.violated(Violation::new(ORACLE, sentence, change.at(), fact));
                }
            }
        }
        self.executors = change.now.executors.keys().copied().collect();
    }

    /// What is wrong with a log that is complete or was given up.
    fn untrue(&self, attempt: &Attempt) -> Option<(&'static str, String)> {
        let is_complete = match attempt.log_state {
            LogState::Complete => true,
            LogState::Incomplete => false,
            LogState::Live | LogState::Deleted | LogState::Expired => return None,
        };
        let has_lied =
            self.lied.contains(&attempt.id) || self.garbled.contains(&attempt.id) && !is_complete;
        let printed = self.printed(attempt.id).map(|(step, _)| step);
        let sealed = attempt.sealed.keys().filter_map(|step| step.parse().ok());
        let steps: BTreeSet<usize> = printed.chain(sealed).collect();
        for step in steps {
            let printed = self.log(attempt.id, step);
            let found = match self.sealed(attempt, step) {
                Ok(found) => found,
                Err(why) => return Some(("a complete log cannot be read", why)),
            };
            let fits = match is_complete {
                true => found == printed,
                false => printed.starts_with(&found),
            };
            if !fits && !has_lied {
                let fact = format!("step {step}: {}", difference(printed, &found));
                return Some(("a log that is called complete is not what was printed", fact));
            }
        }
        // Nobody waits for a whole day in a simulation.
        let given_up = !is_complete && !has_lied;
        given_up.then(|| ("a log was given up though its executor had it", String::new()))
    }

    fn printed(&self, attempt: AttemptId) -> impl Iterator<Item = (usize, &[u8])> {
        let work = attempt.to_string();
        let all = self.output.range((work.clone(), 0)..);
        let own = all.take_while(move |((of, _), _)| *of == work);
        own.map(|((_, step), bytes)| (*step, &bytes[..]))
    }

    /// Everything that a step has printed.
    fn log(&self, attempt: AttemptId, step: usize) -> &[u8] {
        self.output.get(&(attempt.to_string(), step)).map_or(&[], |bytes| bytes)
    }

    fn sealed(&self, attempt: &Attempt, step: usize) -> Result<Vec<u8>, String> {
        let Some(sealed) = attempt.sealed.get(&step.to_string()) else { return Ok(Vec::new()) };
        let name = format!("{}/{}", attempt.id, sealed.object);
        let object = self.evidence.timeline.logs.get(&name);
        let object = object.ok_or_else(|| format!("`{name}` was never stored"))?;
        let found = zstd::stream::decode_all(&object[..]);
        let found = found.map_err(|error| format!("`{name}`: {error}"))?;
        let (size, digest) = (found.len() as u64, blake3::hash(&found).to_hex().to_string());
        match (size, &digest) == (sealed.size, &sealed.blake3) {
            true => Ok(found),
            false => Err(format!("`{name}` has {size} bytes with digest {digest}")),
        }
    }

    pub fn finish(&self, checks: &mut Checks) {
        let mut released: BTreeSet<AttemptId> = BTreeSet::new();
        let mut unknown: BTreeSet<AttemptId> = BTreeSet::new();
        let mut unregistered = BTreeSet::new();
        for operation in self.evidence.operations {
            match (&operation.call, operation.reply()) {
                (Call::Runs(RunsCall::Unregister { executor }), _) => {
                    unregistered.insert(*executor);
                }
                (_, Some(Reply::Runs(RunsReply::Orders(orders)))) => {
                    released.extend(&orders.release);
                    unknown.extend(&orders.unknown);
                    for attempt in &orders.release {
                        self.released(operation, *attempt, checks);
                    }
                }
                (
                    Call::Runs(RunsCall::Read { log, offset, follow }),
                    Some(Reply::Runs(RunsReply::Log(seen))),
                ) => self.read(operation, log, (*offset, *follow), seen, checks),
                _ => {}
            }
        }
        if self.evidence.final_state.exports.is_empty() {
            return;
        }
        for attempt in self.attempts.values() {
            let executor = attempt.executor.0;
            let is_gone = unregistered.contains(&executor) || !self.executors.contains(&executor);
            // After an import its executor may have nothing of it any more.
            let is_forgotten = attempt.reason == Some(Reason::LostInRestore)
                || self.has_jumped && unknown.contains(&attempt.id)
                || attempt.lacks_logs() && released.contains(&attempt.id);
            if self.printed(attempt.id).next().is_some() && !is_gone && !is_forgotten {
                checks.done(ORACLE, 1);
                self.at_the_end(attempt, checks);
            }
        }
    }

    fn at_the_end(&self, attempt: &Attempt, checks: &mut Checks) {
        let text = format!("attempt {} of {}", attempt.id, attempt.name);
        let has_lied = self.lied.contains(&attempt.id) || self.garbled.contains(&attempt.id);
        if attempt.log_state == LogState::Live
            || attempt.log_state == LogState::Incomplete && !has_lied
        {
            let sentence = "a log is not complete at the end though its executor lives";
            let fact =
                format!("it is {:?}, lacks logs: {}", attempt.log_state, attempt.lacks_logs());
            checks.violated(Violation::new(ORACLE, sentence, text.clone(), fact));
        }
        for sealed in attempt.sealed.values() {
            let name = format!("{}/{}", attempt.id, sealed.object);
            if !self.evidence.timeline.logs_left.contains(&name) {
                let sentence = "the object of a complete log is gone";
                checks.violated(Violation::new(ORACLE, sentence, text.clone(), name));
            }
        }
    }

    fn released(&self, operation: &Operation, attempt: AttemptId, checks: &mut Checks) {
        checks.done(ORACLE, 1);
        let by = self.evidence.timeline.nth_at(operation.end_seq());
        if self.settled.get(&attempt.0).is_none_or(|settled| *settled > by) {
            let sentence = "an attempt was released before its log was complete or given up";
            let fact = format!("attempt {attempt}: {:?}", self.settled.get(&attempt.0));
            checks.violated(Violation::new(ORACLE, sentence, operation.to_string(), fact));
        }
    }

    fn read(
        &self,
        operation: &Operation,
        log: &LogName,
        (offset, follow): (u64, bool),
        seen: &LogSeen,
        checks: &mut Checks,
    ) {
        checks.done(ORACLE, 1);
        let attempts = self.named.get(&(log.run, log.task.clone(), log.attempt));
        let attempts: Vec<AttemptId> = attempts.into_iter().flatten().copied().collect();
        let is_sound =
            |attempt: &AttemptId| !self.lied.contains(attempt) && !self.garbled.contains(attempt);
        if !attempts.iter().all(is_sound) {
            return;
        }
        let rest = |attempt: &AttemptId| {
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            self.log(*attempt, log.step).get(offset..).unwrap_or_default()
        };
        let fits = |attempt: &&AttemptId| rest(attempt).starts_with(&seen.bytes);
        let Some(attempt) = attempts.iter().find(fits) else {
            let sentence = "who read a log saw what was not printed";
            let fact = attempts.first().map(|first| difference(rest(first), &seen.bytes));
            let fact = fact.unwrap_or_default();
            checks.violated(Violation::new(ORACLE, sentence, operation.to_string(), fact));
            return;
        };
        // Whoever follows a log to its end has all of it.
        let is_complete = self.attempts.get(&attempt.0);
        let is_complete = is_complete.is_some_and(|it| it.log_state == LogState::Complete);
        let is_whole = seen.ended && is_complete && (follow || seen.state == "complete");
        if is_whole && attempts.len() == 1 && rest(attempt) != seen.bytes {
            let sentence = "who read a log to its end did not see all of it";
            let fact = difference(rest(attempt), &seen.bytes);
            checks.violated(Violation::new(ORACLE, sentence, operation.to_string(), fact));
        }
    }
}

/// The attempt of which a call sends something else than what was printed.
fn garbled(operation: &Operation, output: &Output) -> Option<AttemptId> {
    let Call::Runs(RunsCall::Append { attempt, step, offset, piece, .. }) = &operation.call else {
        return None;
    };
    let printed = output.get(&(attempt.to_string(), *step)).map_or(&[][..], |bytes| bytes);
    let rest = printed.get(usize::try_from(*offset).ok()?..).unwrap_or_default();
    (!rest.starts_with(piece)).then_some(*attempt)
}

/// The attempt of which a call reports what did not happen.
fn lie(operation: &Operation) -> Option<AttemptId> {
    match &operation.call {
        Call::Runs(RunsCall::Bad { bad, by: Some(_) }) => bad.path.rsplit('/').next()?.parse().ok(),
        _ => None,
    }
}

/// Where two logs differ.
fn difference(printed: &[u8], found: &[u8]) -> String {
    let same = printed.iter().zip(found).take_while(|(one, other)| one == other).count();
    let (size, has) = (printed.len(), found.len());
    format!("{size} bytes were printed, {has} are there, they differ from byte {same} on")
}
