//! Records, and what they say together.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{AttemptId, ClaimId, HeldState};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// The executor starts for the time with this number, which is one more than the last.
    Session { number: u64 },
    /// A task is about to be asked for, under this claim.
    Asked { claim: ClaimId },
    /// The service has ended the claim: it will never get an attempt.
    Refused { claim: ClaimId },
    /// The claim has got an attempt.
    Claimed {
        claim: ClaimId,
        attempt: AttemptId,
        /// The attempt ends when nothing is heard from the service for too long.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        exclusive: bool,
    },
    /// The attempt is about to be started.
    Spawned { attempt: AttemptId },
    /// The attempt has ended, or could not be started; its result is kept.
    Exited { attempt: AttemptId },
    /// The service has the result.
    Sent { attempt: AttemptId },
    /// The service needs nothing more of the attempt.
    Released { attempt: AttemptId },
}

/// An attempt that is not released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreleasedAttempt {
    pub state: HeldState,
    pub claim: ClaimId,
    pub exclusive: bool,
}

/// What all records together say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The number of the executor's starts.
    pub session: u64,
    /// Claims that have not got an attempt.
    pub asked: BTreeSet<ClaimId>,
    pub attempts: BTreeMap<AttemptId, UnreleasedAttempt>,
}

impl Held {
    /// Takes a record, if it follows from those before it; `false`: it does not.
    pub(super) fn apply(&mut self, record: &Record) -> bool {
        match *record {
            Record::Session { number } => {
                let follows = number > self.session;
                self.session = self.session.max(number);
                follows
            }
            Record::Asked { claim } => {
                // A service that was set back may give the claim another attempt.
                let is_used =
                    |held: &UnreleasedAttempt| held.claim == claim && !held.state.has_ended();
                !self.attempts.values().any(is_used) && self.asked.insert(claim)
            }
            Record::Refused { claim } => self.asked.remove(&claim),
            Record::Claimed { claim, attempt, exclusive } => {
                let is_new = !self.attempts.contains_key(&attempt);
                let is_asked = is_new && self.asked.remove(&claim);
                if is_asked {
                    let holding = UnreleasedAttempt { state: HeldState::Claimed, claim, exclusive };
                    self.attempts.insert(attempt, holding);
                }
                is_asked
            }
            Record::Spawned { attempt } => {
                self.advance(attempt, &[HeldState::Claimed], HeldState::Spawned)
            }
            Record::Exited { attempt } => {
                let before = [HeldState::Claimed, HeldState::Spawned];
                self.advance(attempt, &before, HeldState::Exited)
            }
            Record::Sent { attempt } => {
                self.advance(attempt, &[HeldState::Exited], HeldState::Sent)
            }
            Record::Released { attempt } => {
                // One that the service does not know is released without its result.
                let held = self.attempts.get(&attempt);
                let has_ended = held.is_some_and(|held| held.state.has_ended());
                has_ended && self.attempts.remove(&attempt).is_some()
            }
        }
    }

    fn advance(&mut self, attempt: AttemptId, before: &[HeldState], to: HeldState) -> bool {
        match self.attempts.get_mut(&attempt) {
            Some(held) if before.contains(&held.state) => {
                held.state = to;
                true
            }
            _ => false,
        }
    }

    /// The least records that say the same.
    pub(super) fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        if self.session > 0 {
            records.push(Record::Session { number: self.session });
        }
        // One that has ended leaves its claim to the next.
        let ended = |(_, held): &(&AttemptId, &UnreleasedAttempt)| held.state.has_ended();
        let (ended, live): (Vec<_>, Vec<_>) = self.attempts.iter().partition(ended);
        for (&attempt, &UnreleasedAttempt { state, claim, exclusive }) in
            ended.into_iter().chain(live)
        {
            records.push(Record::Asked { claim });
            records.push(Record::Claimed { claim, attempt, exclusive });
            if state == HeldState::Spawned {
                records.push(Record::Spawned { attempt });
            }
            if state >= HeldState::Exited {
                records.push(Record::Exited { attempt });
            }
            if state == HeldState::Sent {
                records.push(Record::Sent { attempt });
            }
        }
        records.extend(self.asked.iter().map(|&claim| Record::Asked { claim }));
        records
    }
}
