//! What clients asked for and were answered, and the oracle that judges it.

use std::fmt;

use drydock_harness::history::{Domain, Operation};
use drydock_harness::record::Seq;
use drydock_harness::report::{Checks, Violation};

use crate::service::TTL;

pub enum Lock {}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Acquire,
    Release(i64),
}

#[derive(Debug, Clone)]
pub enum Answer {
    Granted(i64),
    Busy,
    Released,
    Unknown(String),
}

impl Domain for Lock {
    type Server = &'static str;
    type Call = Call;
    type Answer = Answer;
    type Reply = Answer;

    fn reply(answer: &Answer) -> Option<&Answer> {
        Some(answer)
    }

    fn is_open(answer: &Answer) -> bool {
        matches!(answer, Answer::Unknown(_))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Acquire => f.write_str("acquire"),
            Call::Release(token) => write!(f, "release {token}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Granted(token) => write!(f, "granted {token}"),
            Answer::Busy => f.write_str("busy"),
            Answer::Released => f.write_str("released"),
            Answer::Unknown(why) => write!(f, "unknown: {why}"),
        }
    }
}

/// The lock in the hands of one client, between two events.
pub struct Held<'a> {
    pub acquire: &'a Operation<Lock>,
    pub token: i64,
    from: Seq,
    to: Seq,
}

/// Every time that a client held the lock, in order.
pub fn held(operations: &[Operation<Lock>]) -> Vec<Held<'_>> {
    let held = operations.iter().filter_map(|acquire| {
        let ended = acquire.ended.as_ref()?;
        let Answer::Granted(token) = ended.answer else { return None };
        // An answer that comes too late grants nothing.
        if ended.at >= acquire.called_at + TTL {
            return None;
        }
        let release = operations.iter().find(|operation| operation.call == Call::Release(token));
        let to = release.map_or(Seq::MAX, |release| release.called);
        Some(Held { acquire, token, from: ended.seq, to })
    });
    let mut held: Vec<_> = held.collect();
    held.sort_by_key(|held| held.from);
    held
}

/// Mutual exclusion: nobody holds the lock while somebody else does.
pub fn check(operations: &[Operation<Lock>], checks: &mut Checks) {
    let held = held(operations);
    checks.done("mutual exclusion", held.len() as u64);
    for pair in held.windows(2) {
        if pair[1].from < pair[0].to {
            let facts = [&pair[0], &pair[1]].map(|held| held.acquire.to_string());
            let [one, other] = facts;
            let sentence = "two clients hold the lock at once";
            checks.violated(Violation::new("mutual exclusion", sentence, one, other));
        }
    }
}
