//! Batches: requests are applied in memory one after the other, written as one, then answered.
//!
//! History is kept by *generations*. A generation ends after a number of revisions or bytes; then
//! the history before its beginning is compacted. So a watcher may be late by a whole generation.

use std::sync::Arc;
use std::time::Duration;

use drydock_core::coord::mvcc::{Shared, State};
use drydock_core::coord::{Error, Revision};
use drydock_core::env::Clock;

use super::disk::{Delta, Disk, DiskError};
use super::place::{Place, Room};

const GENERATION_REVISIONS: Revision = 5000;
const GENERATION_BYTES: usize = 32 << 20;

/// A request: applies itself at a given time, and returns the function that answers it.
pub(super) type Job = Box<dyn FnOnce(&mut State, Duration) -> Answer + Send>;
/// Called once it is known whether the batch is on disk.
pub(super) type Answer = Box<dyn FnOnce(Result<(), Failure>) + Send>;

/// Why a batch is not on disk, or may not be.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Unknown(String),
    /// The batch changed nothing.
    NotApplied(String),
    /// The same, because the disk is full.
    Full(String),
}

impl Failure {
    pub(super) fn error(self) -> Error {
        match self {
            Failure::Unknown(reason) => Error::Unknown { reason },
            Failure::NotApplied(reason) => Error::Unavailable { reason },
            Failure::Full(reason) => Error::NoSpace { reason },
        }
    }
}

pub(super) struct Engine {
    shared: Arc<Shared>,
    /// `None` after a failed write, until the tables are opened again.
    disk: Option<Disk>,
    place: Box<dyn Place>,
    room: Room,
    clock: Arc<dyn Clock>,
    generation: Generation,
}

struct Generation {
    start: Revision,
    bytes: usize,
}

impl Engine {
    pub(super) fn new(
        shared: Arc<Shared>,
        disk: Disk,
        (place, room): (Box<dyn Place>, Room),
        clock: Arc<dyn Clock>,
    ) -> Engine {
        let generation = Generation { start: disk.revision, bytes: 0 };
        Engine { shared, disk: Some(disk), place, room, clock, generation }
    }

    /// Runs a batch; an empty one only removes expired leases.
    pub(super) fn run(&mut self, batch: Vec<Job>) {
        if batch.is_empty() && (self.room)().is_some_and(|space| space.is_full) {
            return;
        }
        if self.disk.is_none() && self.reopen().is_err() {
            return;
        }
        let Some(disk) = &self.disk else { return };
        let now = self.clock.monotonic();
        let shared = Arc::clone(&self.shared);
        let applied = shared.with(|state| {
            self.generation.turn(state);
            state.expire(now);
            let answers = batch.into_iter().map(|job| job(state, now));
            let answers: Vec<Answer> = answers.collect();
            (answers, disk.delta(state))
        });
        // A store that failed drops its jobs, which answers their callers with an error.
        let Ok((answers, delta)) = applied else {
            return;
        };
        let written = match delta {
            Some(delta) => self.write(&delta),
            None => Ok(()),
        };
        for answer in answers {
            answer(written.clone());
        }
    }

    fn write(&mut self, delta: &Delta) -> Result<(), Failure> {
        let before = self.disk.as_ref().map_or(0, |disk| disk.revision);
        let written = self.disk.as_mut().map(|disk| disk.write(delta));
        match written {
            Some(Err(error)) => self.recover(delta, before, &error),
            _ => {
                let bytes =
                    delta.events.iter().map(|event| event.kv.key.len() + event.kv.value.len());
                self.generation.bytes += bytes.sum::<usize>();
                self.shared.publish(delta.revision);
                Ok(())
            }
        }
    }

    /// Opens the tables again after a failed write. They say whether it was made.
    fn recover(&mut self, delta: &Delta, before: Revision, why: &DiskError) -> Result<(), Failure> {
        tracing::error!(error = %why, "the store cannot write");
        let reason = format!("the embedded store cannot write: {why}");
        self.disk = None;
        if let Err(error) = self.reopen() {
            tracing::error!(%error, "the store cannot be opened again, and refuses all until then");
            self.shared.fail(reason.clone());
            return Err(Failure::Unknown(reason));
        }
        let found = self.disk.as_ref().map_or(0, |disk| disk.revision);
        if delta.revision == before {
            // Leases have no revisions.
            return Err(Failure::Unknown(reason));
        }
        if found >= delta.revision {
            return Ok(());
        }
        Err(if why.is_full() { Failure::Full(reason) } else { Failure::NotApplied(reason) })
    }

    fn reopen(&mut self) -> Result<(), DiskError> {
        let (disk, saved) = self.place.open()?;
        let saved = saved.ok_or(DiskError::Missing("meta"))?;
        let state = State::restore(saved, self.clock.monotonic());
        self.generation = Generation { start: state.revision(), bytes: 0 };
        self.shared.restore(state);
        self.disk = Some(disk);
        tracing::info!("the store is opened again after a failed write");
        Ok(())
    }
}

impl Generation {
    /// Begins the next generation if this one is over.
    fn turn(&mut self, state: &mut State) {
        let revision = state.revision();
        let over = revision - self.start >= GENERATION_REVISIONS || self.bytes >= GENERATION_BYTES;
        if !over {
            return;
        }
        if self.start > state.compacted() {
            state.compact(self.start).expect("a revision of the past that is kept");
        }
        *self = Generation { start: revision, bytes: 0 };
    }
}

#[cfg(test)]
mod tests {
    use drydock_core::coord::{LeaseId, Op, Txn};

    use super::*;

    #[test]
    fn one_to_two_generations_of_revisions_are_kept() {
        let mut state = State::new(LeaseId(1));
        let mut generation = Generation { start: 1, bytes: 0 };
        for _ in 0..5 * GENERATION_REVISIONS {
            generation.turn(&mut state);
            state.txn(&Txn::default().then(Op::put("a", "x"))).unwrap();
            let kept = state.revision() - state.oldest();
            assert!(kept <= 2 * GENERATION_REVISIONS, "`{kept}` are kept");
            let grown = state.revision() > 2 * GENERATION_REVISIONS;
            assert!(!grown || kept >= GENERATION_REVISIONS, "`{kept}` are kept");
        }
    }
}
