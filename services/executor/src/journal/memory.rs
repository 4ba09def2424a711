//! A journal in memory, which outlives the executor that writes it: for tests and simulations.

use std::sync::{Arc, Mutex, MutexGuard};

use super::file::JournalError;
use super::held::{Held, Record};
use super::records::Records;

/// Clones are the same journal.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<Held>>);

impl MemoryJournal {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl Records for MemoryJournal {
    fn held(&self) -> Held {
        self.lock().clone()
    }

    fn append(&mut self, record: Record) -> Result<(), JournalError> {
        match self.lock().apply(&record) {
            true => Ok(()),
            false => Err(JournalError::OutOfOrder { record }),
        }
    }
}
