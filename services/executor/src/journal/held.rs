//! Records, and what they say together.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// A task is about to be asked for, under this claim.
    Asked { claim: String },
    /// The claim has got an attempt.
    Claimed { claim: String, attempt: String },
    /// The attempt is about to be started.
    Spawned { attempt: String },
    /// The attempt has ended, or could not be started; its result is kept.
    Exited { attempt: String },
    /// The service has the result.
    Sent { attempt: String },
    /// The service needs nothing more of the attempt.
    Released { attempt: String },
}

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldState {
    Claimed,
    Spawned,
    Exited,
    Sent,
}

/// What all records together say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Claims that have not got an attempt.
    pub asked: BTreeSet<String>,
    /// Attempts that are not released, each with its claim.
    pub attempts: BTreeMap<String, (HeldState, String)>,
}

impl Held {
    /// Takes a record, if it follows from those before it; `false`: it does not.
    pub(super) fn apply(&mut self, record: &Record) -> bool {
        match record {
            Record::Asked { claim } => {
                let is_used = self.attempts.values().any(|(_, other)| other == claim);
                !is_used && self.asked.insert(claim.clone())
            }
            Record::Claimed { claim, attempt } => {
                let is_new = !self.attempts.contains_key(attempt);
                let is_asked = is_new && self.asked.remove(claim);
                if is_asked {
                    self.attempts.insert(attempt.clone(), (HeldState::Claimed, claim.clone()));
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
                let state = self.attempts.get(attempt).map(|(state, _)| *state);
                // One that the service does not know is released without its result.
                let has_ended = state >= Some(HeldState::Exited);
                has_ended && self.attempts.remove(attempt).is_some()
            }
        }
    }

    fn advance(&mut self, attempt: &str, before: &[HeldState], to: HeldState) -> bool {
        match self.attempts.get_mut(attempt) {
            Some((state, _)) if before.contains(state) => {
                *state = to;
                true
            }
            _ => false,
        }
    }

    /// The least records that say the same.
    pub(super) fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for (attempt, (state, claim)) in &self.attempts {
            let attempt = || attempt.clone();
            records.push(Record::Asked { claim: claim.clone() });
            records.push(Record::Claimed { claim: claim.clone(), attempt: attempt() });
            if *state == HeldState::Spawned {
                records.push(Record::Spawned { attempt: attempt() });
            }
            if *state >= HeldState::Exited {
                records.push(Record::Exited { attempt: attempt() });
            }
            if *state == HeldState::Sent {
                records.push(Record::Sent { attempt: attempt() });
            }
        }
        let asked = self.asked.iter().map(|claim| Record::Asked { claim: claim.clone() });
        records.extend(asked);
        records
    }
}
