//! Ballots: which of several archivers counts, where they stored different commits.
//!
//! Objects outlive every state of the coordination store, so they cannot be fenced by it. What is
//! archived is agreed upon as with Paxos, with object storage as the only acceptor: each archiver
//! takes a ballot of its own, announces it, reads what is there, and publishes nothing once a
//! higher one is announced. See docs/decisions/0019.

use std::fmt;

use uuid::Uuid;

/// The order of archivers. No two have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ballot {
    pub number: u64,
    /// One archiver, from taking the ballot to giving it up.
    pub session: Uuid,
}

impl Ballot {
    /// That of objects from before there were ballots: lower than all others.
    pub const NONE: Ballot = Ballot { number: 0, session: Uuid::nil() };

    /// Reads `<number>-<session>`.
    pub fn parse(text: &str) -> Option<Ballot> {
        let (number, session) = text.split_once('-')?;
        let ballot = Ballot { number: number.parse().ok()?, session: session.parse().ok()? };
        (ballot.to_string() == text).then_some(ballot)
    }
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}-{}", self.number, self.session)
    }
}
