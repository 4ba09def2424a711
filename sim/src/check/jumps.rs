//! Stores that were lost or set back, as operations on names that nobody asked for.

use std::collections::BTreeMap;

use drydock_core::log::format::{Body, Commit, Reason};
use drydock_harness::record::Seq;

use super::Evidence;
use super::linearizable::{Effect, Interval, lookup};
use crate::history::Named;
use crate::timeline::At;
use crate::timeline::export::named;

/// A store was lost or set back: whatever a name had, it has what it had once.
pub struct Jump {
    from: Seq,
    to: Seq,
    users: Vec<Named>,
}

/// The operation of a jump, which nobody asked for.
const NOBODY: usize = usize::MAX;

impl Jump {
    pub fn interval(&self, name: &str) -> Interval {
        let effect = Effect::Set(lookup(&self.users, name));
        Interval { from: self.from, to: self.to, effect, operation: NOBODY }
    }
}

pub fn jumps(evidence: &Evidence<'_>) -> Vec<Jump> {
    let timeline = evidence.timeline;
    let mut moments: BTreeMap<usize, (Seq, Seq)> = BTreeMap::new();
    for turn in &timeline.turns {
        moments.insert(timeline.nth_at(turn.seq), (turn.seq, turn.seq));
    }
    let mut before: Option<&At<Commit>> = None;
    for commit in &timeline.commits {
        let recovery = matches!(commit.value.body, Body::Switch { reason: Reason::Recovery });
        let anew = before.is_some_and(|before| before.era != commit.era)
            && !timeline.turns.iter().any(|turn| turn.era == commit.era);
        if recovery || anew {
            // A lost store is gone when the next one begins.
            let from = if anew { timeline.began[commit.era] } else { commit.seq };
            moments.insert(timeline.nth_at(commit.seq), (from, commit.seq));
        }
        before = Some(commit);
    }
    let mut jumps = Vec::new();
    timeline.replay_steps(|place, state, _| {
        // Of a commit that begins anew, what its first action finds.
        if let Some((from, to)) = moments.remove(&place.nth) {
            let ((from, _), (_, to)) = ((evidence.exactly)(from), (evidence.exactly)(to));
            jumps.push(Jump { from, to, users: named(state, "users") });
        }
    });
    jumps
}
