//! What look-ups have found out of entries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use drydock_api::runservice::types::CacheId;

/// The notes that one instance keeps. A note that is lost is made again by a later look-up.
const MAX_NOTES: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// The entry was used.
    Used,
    /// Its object is not stored.
    Missing,
}

/// The notes of one instance, the last one of each entry. Cheap to clone.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<BTreeMap<CacheId, Note>>>);

impl Notes {
    pub fn add(&self, entry: CacheId, note: Note) {
        let mut notes = self.0.lock().expect("no holder of this lock panics");
        if notes.len() < MAX_NOTES || notes.contains_key(&entry) {
            notes.insert(entry, note);
        }
    }

    /// Takes the first notes away.
    pub fn take(&self, limit: usize) -> BTreeMap<CacheId, Note> {
        let mut notes = self.0.lock().expect("no holder of this lock panics");
        let rest = match notes.keys().nth(limit).copied() {
            Some(first) => notes.split_off(&first),
            None => BTreeMap::new(),
        };
        std::mem::replace(&mut notes, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u128) -> CacheId {
        CacheId(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn notes_are_taken_once_and_the_last_one_counts() {
        let notes = Notes::default();
        for (number, note) in
            [(1, Note::Used), (2, Note::Used), (3, Note::Used), (1, Note::Missing)]
        {
            notes.add(entry(number), note);
        }
        let first = [(entry(1), Note::Missing), (entry(2), Note::Used)];
        assert_eq!(notes.take(2), BTreeMap::from(first));
        assert_eq!(notes.take(2), BTreeMap::from([(entry(3), Note::Used)]));
        assert_eq!(notes.take(2), BTreeMap::new());
    }

    #[test]
    fn there_are_not_more_notes_than_the_bound() {
        let notes = Notes::default();
        for number in 0..MAX_NOTES as u128 + 10 {
            notes.add(entry(number), Note::Used);
        }
        assert_eq!(notes.take(usize::MAX).len(), MAX_NOTES);
    }
}
