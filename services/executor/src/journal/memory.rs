//! A journal in memory, which outlives the executor that writes it: for tests and simulations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use drydock_api::runservice::types::{AttemptId, Status};

use super::file::JournalError;
use super::held::{Held, Record};
use super::records::Records;

/// Clones are the same journal.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    held: Held,
    results: BTreeMap<AttemptId, Status>,
}

impl MemoryJournal {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl Records for MemoryJournal {
    fn held(&self) -> Held {
        self.lock().held.clone()
    }

    fn append(&mut self, record: Record) -> Result<(), JournalError> {
        match self.lock().held.apply(&record) {
            true => Ok(()),
            false => Err(JournalError::OutOfOrder { record }),
        }
    }

    fn keep(&mut self, attempt: AttemptId, status: &Status) -> Result<(), JournalError> {
        self.lock().results.insert(attempt, status.clone());
        Ok(())
    }

    fn kept(&self, attempt: AttemptId) -> Option<Status> {
        self.lock().results.get(&attempt).cloned()
    }
}
