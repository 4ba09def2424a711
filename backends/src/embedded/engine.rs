//! Batches: requests are applied in memory one after the other, written as one, then answered.
//!
//! History is kept by *generations*. A generation ends after a number of revisions or bytes; then
//! the history before its beginning is compacted. So a watcher may be late by a whole generation.

use std::sync::Arc;
use std::time::Duration;

use drydock_core::coord::Revision;
use drydock_core::coord::mvcc::{Shared, State};
use drydock_core::env::Clock;

use super::disk::{Delta, Disk};

const GENERATION_REVISIONS: Revision = 5000;
const GENERATION_BYTES: usize = 32 << 20;

/// A request: applies itself at a given time, and returns the function that answers it.
pub(super) type Job = Box<dyn FnOnce(&mut State, Duration) -> Answer + Send>;
/// Called once it is known whether the batch is on disk.
pub(super) type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;

pub(super) struct Engine {
    shared: Arc<Shared>,
    disk: Disk,
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
        clock: Arc<dyn Clock>,
        at: Revision,
    ) -> Engine {
        let generation = Generation { start: at, bytes: 0 };
        Engine { shared, disk, clock, generation }
    }

    /// Runs a batch; an empty one only removes expired leases.
    pub(super) fn run(&mut self, batch: Vec<Job>) {
        let now = self.clock.monotonic();
        let shared = Arc::clone(&self.shared);
        let applied = shared.with(|state| {
            self.generation.turn(state);
            state.expire(now);
            let answers = batch.into_iter().map(|job| job(state, now));
            let answers: Vec<Answer> = answers.collect();
            (answers, self.disk.delta(state))
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

    fn write(&mut self, delta: &Delta) -> Result<(), String> {
        match self.disk.write(delta) {
            Ok(()) => {
                let bytes =
                    delta.events.iter().map(|event| event.kv.key.len() + event.kv.value.len());
                self.generation.bytes += bytes.sum::<usize>();
                self.shared.publish(delta.revision);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the store cannot write, and refuses all from now on");
                let reason = format!("the embedded store cannot write: {error}");
                self.shared.fail(reason.clone());
                Err(reason)
            }
        }
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
