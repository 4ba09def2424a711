//! What becomes of attempts after maintenance, an import or a recovery, by the table of the design:
//! they go on, if their executors hold them; they are lost, if their executors hold nothing of them
//! or are silent; and nothing is claimed before that is clear.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{AttemptId, Heartbeat, HeartbeatAnswer, Reason, Status};
use drydock_harness::record::Seq;
use drydock_runservice::record::{Attempt, Era};
use uuid::Uuid;

use super::records::StateChange;
use super::{Checks, Evidence, Violation};
use crate::history::{Answer, Call, Operation, Reply, RunsCall, RunsReply};

pub const ORACLE: &str = "reconcile";

/// What executors have said, and what was decided.
pub struct Reconcile<'a> {
    beats: BTreeMap<Uuid, Vec<Beat<'a>>>,
    /// The reports of ends, by attempts.
    reports: BTreeMap<AttemptId, Vec<(&'a Operation, &'a Status)>>,
    unregistered: Vec<Uuid>,
    /// When the era of the last commit began at the earliest, and how many attempts were taken over
    /// and lost in it.
    era: Option<Era>,
    since: Seq,
    adopted: u64,
    lost: u64,
    /// From when to when the log had each attempt as live, by the numbers of states.
    live: BTreeMap<AttemptId, Vec<(usize, Option<usize>)>>,
    problems: Vec<(String, &'static str, String)>,
}

struct Beat<'a> {
    operation: &'a Operation,
    said: &'a Heartbeat,
    orders: Option<&'a HeartbeatAnswer>,
}

impl<'a> Reconcile<'a> {
    pub fn new(evidence: &Evidence<'a>) -> Reconcile<'a> {
        let mut beats: BTreeMap<Uuid, Vec<Beat<'a>>> = BTreeMap::new();
        let mut reports: BTreeMap<AttemptId, Vec<(&Operation, &Status)>> = BTreeMap::new();
        let mut unregistered = Vec::new();
        for operation in evidence.operations {
            match &operation.call {
                Call::Runs(RunsCall::Beat { by, beat }) => {
                    let orders = match operation.answer() {
                        Some(Answer::Ok(Reply::Runs(RunsReply::Orders(orders)))) => Some(orders),
                        _ => None,
                    };
                    beats.entry(by.id).or_default().push(Beat { operation, said: beat, orders });
                }
                Call::Runs(RunsCall::Report { attempt, status, .. }) => {
                    reports.entry(*attempt).or_default().push((operation, &**status));
                }
                Call::Runs(RunsCall::Unregister { executor }) => unregistered.push(*executor),
                _ => {}
            }
        }
        Reconcile {
            beats,
            reports,
            unregistered,
            era: None,
            since: 0,
            adopted: 0,
            lost: 0,
            live: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    pub fn look(&mut self, change: &StateChange<'_>, checks: &mut Checks) {
        self.note_live(change);
        if change.era != self.era {
            (self.era, self.since) = (change.era, change.seq);
            (self.adopted, self.lost) = (0, 0);
        }
        self.look_for_lost_claims(change, checks);
        let Some(era) = change.era.filter(|_| !change.place.jump) else { return };
        for (before, attempt) in change.attempts() {
            checks.done(ORACLE, 1);
            if let Some((sentence, fact)) = self.problem(change, era, before, attempt) {
                let fact = format!("attempt {} of {}: {fact}", attempt.id, attempt.name);
                self.problems.push((change.at(), sentence, fact));
            }
        }
        let gate = change.now.gate.as_ref().filter(|gate| gate.era == Some(era));
        let Some(gate) = gate.filter(|gate| change.changed.contains(&gate.id)) else { return };
        checks.done(ORACLE, 1);
        let left = change.now.live_attempts().find(|attempt| attempt.era != Some(era));
        if let Some(left) = left.filter(|_| gate.reconciled) {
            let sentence = "what executors hold is said to be clear, and is not";
            self.problems.push((change.at(), sentence, format!("attempt {}", left.id)));
        }
        let counts = gate.counts;
        let told = (counts.adopted, counts.adopted + counts.results_taken);
        if counts.lost_in_restore != self.lost || !(told.0..=told.1).contains(&self.adopted) {
            let sentence = "the counts of what became of attempts are not what became of them";
            let fact = format!("{counts:?}, seen: {} taken over, {} lost", self.adopted, self.lost);
            self.problems.push((change.at(), sentence, fact));
        }
    }

    /// A claim is lost only if its executor has forgotten it: under a newer session it speaks
    /// neither of the attempt nor of the claim.
    fn look_for_lost_claims(&mut self, change: &StateChange<'_>, checks: &mut Checks) {
        for (before, attempt) in change.attempts() {
            let is_new = before.is_some_and(|before| !before.phase.is_final());
            if !is_new || attempt.reason != Some(Reason::ClaimLost) {
                continue;
            }
            checks.done(ORACLE, 1);
            let is_newer = |beat: &Beat<'_>| beat.said.session > attempt.session;
            if !self.is_denied(change, attempt, &is_newer) {
                let sentence = "a claim was lost that its executor has not forgotten";
                let fact = format!("attempt {} of claim {}", attempt.id, attempt.claim);
                self.problems.push((change.at(), sentence, fact));
            }
        }
    }

    /// Whether a heartbeat of that change lacks the attempt and its claim.
    fn is_denied(
        &self,
        change: &StateChange<'_>,
        attempt: &Attempt,
        fits: &dyn Fn(&Beat<'_>) -> bool,
    ) -> bool {
        let beats = self.beats.get(&attempt.executor.0).map_or(&[][..], |beats| beats);
        beats.iter().any(|beat| {
            beat.operation.called <= change.seq
                && change.seq <= beat.operation.end_seq()
                && !beat.said.held.iter().any(|held| held.attempt == attempt.id)
                && !beat.said.asked.contains(&attempt.claim)
                && fits(beat)
        })
    }

    fn note_live(&mut self, change: &StateChange<'_>) {
        let nth = change.place.nth;
        let is_live = |id: &AttemptId| {
            change.now.attempts.get(&id.0).is_some_and(|attempt| !attempt.phase.is_final())
        };
        for (id, spans) in &mut self.live {
            if let Some((_, until @ None)) = spans.last_mut()
                && !is_live(id)
            {
                *until = Some(nth);
            }
        }
        for attempt in change.now.live_attempts() {
            let spans = self.live.entry(attempt.id).or_default();
            if spans.last().is_none_or(|(_, until)| until.is_some()) {
                spans.push((nth, None));
            }
        }
    }

    fn problem(
        &mut self,
        change: &StateChange<'_>,
        era: Era,
        before: Option<&Attempt>,
        now: &Attempt,
    ) -> Option<(&'static str, String)> {
        let Some(before) = before else {
            let gate = change.now.gate.as_ref();
            let is_clear = gate.is_some_and(|gate| gate.era == Some(era) && gate.reconciled);
            return (!is_clear).then(|| {
                ("a task was given out before it was clear what runs", format!("{gate:?}"))
            });
        };
        if before.era != now.era {
            self.adopted += 1;
            if now.era != Some(era) || now.deadline < before.deadline {
                let fact = format!("its deadline is {}, it was {}", now.deadline, before.deadline);
                return Some(("an attempt was not taken over as it was", fact));
            }
        }
        if before.phase.is_final() || !now.phase.is_final() {
            return None;
        }
        match now.reason {
            // Its executor has ended it, by an order of a state that was left.
            Some(Reason::LostInRestore) if self.is_reported(change, now) => None,
            Some(Reason::LostInRestore) => {
                self.lost += 1;
                let is_forgotten = |beat: &Beat<'_>| beat.said.forgotten.contains(&now.id);
                let found = self.is_denied(change, now, &is_forgotten);
                (!found).then(|| {
                    let sentence = "an attempt was lost that its executor did not deny";
                    (sentence, "no heartbeat at that change says that it is forgotten".to_owned())
                })
            }
            Some(Reason::ExecutorLost) if before.era != Some(era) => {
                let is_ended = self.unregistered.contains(&now.executor.0);
                let held = |beat: &&Beat<'_>| {
                    let since = beat.operation.called > self.since;
                    let answered = beat.orders.is_some() && beat.operation.end_seq() < change.seq;
                    let held = beat.said.held.iter().any(|held| held.attempt == now.id);
                    since && answered && held
                };
                let beats = self.beats.get(&now.executor.0).map_or(&[][..], |beats| beats);
                let found = beats.iter().find(held).filter(|_| !is_ended)?;
                let sentence = "an attempt was lost of which its executor has spoken";
                Some((sentence, found.operation.to_string()))
            }
            _ => None,
        }
    }

    /// Whether its executor reports this end at that change.
    fn is_reported(&self, change: &StateChange<'_>, attempt: &Attempt) -> bool {
        let reports = self.reports.get(&attempt.id).map_or(&[][..], |reports| reports);
        reports.iter().any(|(report, status)| {
            report.called <= change.seq
                && change.seq <= report.end_seq()
                && status.phase == attempt.phase
        })
    }

    pub fn finish(self, evidence: &Evidence<'_>, checks: &mut Checks) {
        for (at, sentence, fact) in &self.problems {
            checks.violated(Violation::new(ORACLE, *sentence, at.clone(), fact.clone()));
        }
        for beat in self.beats.values().flatten() {
            let Some(orders) = beat.orders else { continue };
            let from = evidence.timeline.nth_at(beat.operation.called);
            let to = evidence.timeline.nth_at(beat.operation.end_seq());
            for attempt in orders.unknown.iter().chain(&orders.release) {
                checks.done(ORACLE, 1);
                let spans = self.live.get(attempt).map_or(&[][..], |spans| spans);
                let is_live = |(since, until): &(usize, Option<usize>)| {
                    *since <= from && until.is_none_or(|until| until > to)
                };
                if spans.iter().any(is_live) {
                    let sentence = "an executor was told to end or to forget what it runs";
                    let fact = format!("attempt {attempt} is live all the while");
                    let operation = beat.operation.to_string();
                    checks.violated(Violation::new(ORACLE, sentence, operation, fact));
                }
            }
        }
    }
}
