//! What an executor is told to do, by what it holds and what the state says.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{AttemptId, ClaimId, ExecutorId, HeldState, LogState};

use crate::record::{Attempt, StopOrder};

/// What an executor says in a heartbeat.
#[derive(Debug, Clone, Copy)]
pub struct Beat<'a> {
    pub executor: ExecutorId,
    pub session: u64,
    pub held: &'a BTreeMap<AttemptId, HeldState>,
    /// The claims that were sent, or are about to be, and have not yielded an attempt.
    pub asked: &'a BTreeSet<ClaimId>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    pub stop: Vec<(AttemptId, StopOrder)>,
    /// The executor may remove everything of these.
    pub release: Vec<AttemptId>,
    /// The executor must end these, and keep their logs.
    pub unknown: Vec<AttemptId>,
    /// The executor has forgotten these, and has started nothing of them.
    pub claim_lost: Vec<AttemptId>,
}

/// Answers a heartbeat. `attempts`: those of the executor that are not final, and those that it
/// holds.
pub fn orders<'a>(beat: Beat<'_>, attempts: impl IntoIterator<Item = &'a Attempt>) -> Orders {
    let own = attempts.into_iter().filter(|attempt| attempt.executor == beat.executor);
    let own: BTreeMap<AttemptId, &Attempt> = own.map(|attempt| (attempt.id, attempt)).collect();
    let mut orders = Orders::default();
    for (id, held) in beat.held {
        match own.get(id) {
            None => orders.unknown.push(*id),
            Some(attempt) if !attempt.phase.is_final() => {
                orders.stop.extend(attempt.stop.map(|order| (*id, order)));
            }
            // It runs on, though it was given up.
            Some(_) if !held.has_ended() => orders.unknown.push(*id),
            Some(attempt) if attempt.log_state != LogState::Live => orders.release.push(*id),
            Some(_) => {}
        }
    }
    let forgotten = |attempt: &&&Attempt| {
        !attempt.phase.is_final()
            // Within one session, messages cross: a claim may just be on its way.
            && attempt.session < beat.session
            && !beat.held.contains_key(&attempt.id)
            && !beat.asked.contains(&attempt.claim)
    };
    orders.claim_lost = own.values().filter(forgotten).map(|attempt| attempt.id).collect();
    orders
}
