use drydock_api::runservice::types::{AttemptId, Status};

use super::file::{Journal, JournalError};
use super::held::{Held, Record};

/// Where an executor keeps its promises.
pub trait Records: Send + 'static {
    /// What all records together say.
    fn held(&self) -> Held;

    /// Adds a record. Once this returns, the record is there after any crash.
    fn append(&mut self, record: Record) -> Result<(), JournalError>;

    /// Keeps the result of an attempt beyond its release, as long as not too many follow.
    fn keep(&mut self, attempt: AttemptId, status: &Status) -> Result<(), JournalError>;

    /// The result of an attempt, if it is kept.
    fn kept(&self, attempt: AttemptId) -> Option<Status>;
}

impl Records for Journal {
    fn held(&self) -> Held {
        Journal::held(self).clone()
    }

    fn append(&mut self, record: Record) -> Result<(), JournalError> {
        Journal::append(self, &record)
    }

    fn keep(&mut self, attempt: AttemptId, status: &Status) -> Result<(), JournalError> {
        Journal::keep(self, attempt, status)
    }

    fn kept(&self, attempt: AttemptId) -> Option<Status> {
        Journal::kept(self, attempt)
    }
}
