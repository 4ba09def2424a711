use super::file::{Journal, JournalError};
use super::held::{Held, Record};

/// Where an executor keeps its promises.
pub trait Records: Send + 'static {
    /// What all records together say.
    fn held(&self) -> Held;

    /// Adds a record. Once this returns, the record is there after any crash.
    fn append(&mut self, record: Record) -> Result<(), JournalError>;
}

impl Records for Journal {
    fn held(&self) -> Held {
        Journal::held(self).clone()
    }

    fn append(&mut self, record: Record) -> Result<(), JournalError> {
        Journal::append(self, &record)
    }
}
