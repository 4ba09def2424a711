//! What was noted, with numbers for revisions and calls.

use drydock_core::coord::Revision;
use drydock_harness::record::Seq;

use super::{Mark, Noted};
use crate::history::{Answer, Call, Operation, TreeCall};
use crate::timeline::{Moments, Past};

/// Revisions that a store may have had unseen when it was lost.
const UNSEEN: i64 = 1 << 20;

/// The log at the end of a run.
pub struct FinishedLog {
    marks: Vec<Mark>,
    /// Of every store, in order.
    pub past: Vec<Past>,
    /// Up to where each store was seen.
    seen: Vec<Revision>,
    /// The number with which each store begins.
    began: Vec<Seq>,
    /// Why this is not everything.
    pub gap: Option<String>,
}

impl FinishedLog {
    pub(super) fn new(noted: Noted) -> FinishedLog {
        let mut began = Vec::new();
        let mut next = 0;
        for era in &noted.eras {
            began.push(next);
            next += twice(era.seen + UNSEEN);
        }
        let seen = noted.eras.iter().map(|era| era.seen).collect();
        let past = noted.eras.into_iter().map(|era| era.past).collect();
        FinishedLog { marks: noted.marks, past, seen, began, gap: noted.gap }
    }

    /// The number of the `nth` revision that a store had after what was seen of it, from 1.
    pub fn unseen(&self, era: usize, nth: usize) -> (Revision, Seq) {
        let nth = i64::try_from(nth).unwrap_or(UNSEEN).min(UNSEEN - 1);
        let revision = self.seen[era] + nth;
        (revision, self.seq_of(era, revision))
    }

    /// A call with numbers among the revisions.
    pub fn place(&self, operation: &Operation) -> Operation {
        let mut placed = operation.clone();
        let before = self.marks.partition_point(|mark| mark.ended <= operation.called);
        placed.called = before.checked_sub(1).map_or(0, |at| self.after(self.marks[at]));
        if let Some(ended) = &mut placed.ended {
            let after = self.marks.partition_point(|mark| mark.began <= ended.seq);
            ended.seq = self.marks.get(after).map_or(Seq::MAX, |mark| self.after(*mark));
        }
        placed
    }

    /// A placed call as it may be judged: one that went on while a store was lost may have met
    /// commits that nobody has seen. `kept`: an acknowledged write is not among those.
    pub fn judged(&self, placed: Operation, kept: bool) -> Option<Operation> {
        let lost = self.began.iter().skip(1);
        let mut lost = lost.filter(|began| (placed.called..placed.end_seq()).contains(began));
        if lost.next().is_none() || placed.is_open() {
            return Some(placed);
        }
        if is_read(&placed.call) {
            return None;
        }
        let mut placed = placed;
        if let Some(ended) = placed.ended.as_mut().filter(|_| !kept) {
            ended.answer = Answer::Unknown("its store was lost meanwhile".to_owned());
        }
        Some(placed)
    }

    /// Between which events of the clients something happened.
    pub fn exactly(&self, seq: Seq) -> (Seq, Seq) {
        let there = self.marks.partition_point(|mark| self.seq_of(mark.era, mark.revision) < seq);
        let from = there.checked_sub(1).map_or(0, |at| self.marks[at].began);
        (from, self.marks.get(there).map_or(Seq::MAX, |mark| mark.ended))
    }

    /// Between what a read saw and what it did not.
    fn after(&self, mark: Mark) -> Seq {
        self.seq_of(mark.era, mark.revision) + 1
    }
}

impl Moments for FinishedLog {
    fn began(&self, era: usize) -> Seq {
        self.began[era]
    }

    fn seq_of(&self, era: usize, revision: Revision) -> Seq {
        self.began[era] + twice(revision)
    }
}

fn twice(revision: Revision) -> Seq {
    2 * Seq::try_from(revision).unwrap_or_default()
}

fn is_read(call: &Call) -> bool {
    matches!(
        call,
        Call::GetUser { .. }
            | Call::ListUsers { .. }
            | Call::ListMembers { .. }
            | Call::Status
            | Call::Export
            | Call::Lineages
            | Call::Tree(
                TreeCall::ListGroups { .. }
                    | TreeCall::GetProject { .. }
                    | TreeCall::Environment { .. }
            )
    )
}
