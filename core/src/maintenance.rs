//! The maintenance barrier as a pure state machine, and the mode as an instance last saw it.
//!
//! `mode` is a key; every commit compares it, so from the revision that sets maintenance no commit
//! can succeed anywhere. This module decides the steps of an instance, and a driver in the services
//! takes them: close, drain, stop the background tasks, and only then acknowledge.
//!
//! Invariants: an acknowledgement of a generation is written only while closed, drained and stopped
//! (maintenance) or open (normal); another generation overtakes at any step; events that belong to
//! an overtaken generation change nothing. Absent on purpose: clocks, I/O, retries.

use tokio::sync::watch;

use crate::coord::{KeyValue, Revision};
use crate::log::format::{FormatError, Mode, ModeRecord, decode};

/// The mode, and the revision at which its key was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenMode {
    pub mode: Mode,
    pub generation: u64,
    /// 0: the key does not exist.
    pub revision: Revision,
    pub record: Option<ModeRecord>,
}

impl SeenMode {
    /// The mode of a store whose mode was never switched.
    pub const NEVER_SWITCHED: SeenMode =
        SeenMode { mode: Mode::Normal, generation: 0, revision: 0, record: None };

    pub fn decode(found: Option<&KeyValue>) -> Result<SeenMode, FormatError> {
        let Some(found) = found else {
            return Ok(SeenMode::NEVER_SWITCHED);
        };
        let record: ModeRecord = decode(&found.key, &found.value)?;
        Ok(SeenMode {
            mode: record.mode,
            generation: record.generation,
            revision: found.mod_revision,
            record: Some(record),
        })
    }
}

/// The newest mode that this instance has seen, shared by its parts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ModeCell(watch::Sender<Option<SeenMode>>);

impl Default for ModeCell {
    fn default() -> ModeCell {
        ModeCell(watch::Sender::new(None))
    }
}

impl ModeCell {
    /// Stores a mode, unless a newer one is known.
    pub fn observe(&self, seen: SeenMode) {
        self.0.send_if_modified(|current| {
            let newer = current.as_ref().is_none_or(|known| seen.revision > known.revision);
            if newer {
                *current = Some(seen);
            }
            newer
        });
    }

    /// Stores a mode that was read after `known` was known. An older one counts, too: only a
    /// coordination store that was set back answers with it.
    pub fn observe_read(&self, known: Option<&SeenMode>, seen: SeenMode) {
        if known.is_some_and(|known| seen.revision < known.revision) {
            self.replace(known, seen);
        } else {
            self.observe(seen);
        }
    }

    /// Replaces the mode that was known when `seen` was read, which may be of another coordination
    /// store. `false`: another one has been stored since, and is kept; `seen` may be older.
    pub fn replace(&self, known: Option<&SeenMode>, seen: SeenMode) -> bool {
        self.0.send_if_modified(|current| {
            let unchanged = current.as_ref() == known;
            if unchanged {
                *current = Some(seen);
            }
            unchanged
        })
    }

    /// The newest mode; `None` until it is read for the first time.
    pub fn get(&self) -> Option<SeenMode> {
        self.0.borrow().clone()
    }

    pub fn subscribe(&self) -> watch::Receiver<Option<SeenMode>> {
        self.0.subscribe()
    }
}

/// The state of an instance with regard to the barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The mode has not been read.
    Starting,
    /// Serving.
    Open { generation: u64 },
    /// Refusing requests; requests in flight have not finished.
    Draining { generation: u64 },
    /// No request is in flight; background tasks have not ended.
    Stopping { generation: u64 },
    /// Out of service.
    Closed { generation: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    ModeSeen {
        mode: Mode,
        generation: u64,
    },
    /// No request is in flight any more, or the drain's deadline is over.
    Drained {
        generation: u64,
    },
    TasksStopped {
        generation: u64,
    },
}

/// A step of the driver. It takes the steps of a transition in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Refuse requests from now on.
    CloseGate,
    /// Report [`Event::Drained`] when requests in flight are gone.
    Drain {
        generation: u64,
    },
    /// Report [`Event::TasksStopped`] when background tasks have ended.
    StopTasks {
        generation: u64,
    },
    StartTasks,
    OpenGate,
    /// Write the instance's key with this generation.
    Acknowledge {
        generation: u64,
        mode: Mode,
    },
}

impl State {
    /// The generation that this instance follows; 0 before the first.
    pub fn generation(self) -> u64 {
        match self {
            State::Starting => 0,
            State::Open { generation }
            | State::Draining { generation }
            | State::Stopping { generation }
            | State::Closed { generation } => generation,
        }
    }

    /// The next state, and the steps that lead to it.
    pub fn on(self, event: Event) -> (State, Vec<Effect>) {
        match event {
            Event::ModeSeen { mode, generation } => self.mode_seen(mode, generation),
            Event::Drained { generation } => match self {
                State::Draining { generation: current } if current == generation => {
                    (State::Stopping { generation }, vec![Effect::StopTasks { generation }])
                }
                other => (other, vec![]),
            },
            Event::TasksStopped { generation } => match self {
                State::Stopping { generation: current } if current == generation => {
                    let mode = Mode::Maintenance;
                    (State::Closed { generation }, vec![Effect::Acknowledge { generation, mode }])
                }
                other => (other, vec![]),
            },
        }
    }

    /// Whether it follows this mode already. Generations are not put in order here: a coordination
    /// store that was set back counts from an older one. [`ModeCell`] decides which mode is newer.
    fn knows(self, mode: Mode, generation: u64) -> bool {
        let followed = match self {
            State::Starting => return false,
            State::Open { .. } => Mode::Normal,
            State::Draining { .. } | State::Stopping { .. } | State::Closed { .. } => {
                Mode::Maintenance
            }
        };
        (followed, self.generation()) == (mode, generation)
    }

    fn mode_seen(self, mode: Mode, generation: u64) -> (State, Vec<Effect>) {
        if self.knows(mode, generation) {
            return (self, vec![]);
        }
        match (mode, self) {
            (Mode::Normal, State::Open { .. }) => {
                // Two switches were seen as one: the instance never closed, and stays open.
                let ack = Effect::Acknowledge { generation, mode };
                (State::Open { generation }, vec![ack])
            }
            (Mode::Normal, _) => {
                let ack = Effect::Acknowledge { generation, mode };
                let effects = vec![Effect::StartTasks, Effect::OpenGate, ack];
                (State::Open { generation }, effects)
            }
            (Mode::Maintenance, State::Closed { .. }) => {
                let ack = Effect::Acknowledge { generation, mode };
                (State::Closed { generation }, vec![ack])
            }
            (Mode::Maintenance, _) => {
                let effects = vec![Effect::CloseGate, Effect::Drain { generation }];
                (State::Draining { generation }, effects)
            }
        }
    }
}

#[cfg(test)]
mod tests;
