//! Notes in object storage that name the current lineage.
//!
//! Invariant: the note with the highest epoch names the current lineage, in whatever order notes
//! are written. Each lineage has a note of its own, with its epoch in the name, that is never
//! overwritten; so a late note of an earlier lineage changes nothing. `current.json` is
//! overwritten: it tells people the same, and decides in buckets of builds that wrote no notes.

use std::fmt;

use object_store::path::Path;
use uuid::Uuid;

use super::record::{CurrentLineage, LineageRecord};
use crate::error::Chain;
use crate::log::keys::ObjectKeys;
use crate::objects::{ObjectError, Objects};

/// The name of a note: `<epoch>-<lineage>.json`. Notes are ordered as their lineages began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    pub epoch: u64,
    pub lineage: Uuid,
}

impl Note {
    pub fn of(record: &LineageRecord) -> Note {
        Note { epoch: record.epoch, lineage: record.lineage }
    }

    pub fn parse(name: &str) -> Option<Note> {
        let (epoch, lineage) = name.strip_suffix(".json")?.split_once('-')?;
        let note = Note { epoch: epoch.parse().ok()?, lineage: lineage.parse().ok()? };
        (note.to_string() == name).then_some(note)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}-{}.json", self.epoch, self.lineage)
    }
}

/// The current lineage according to the notes in objects.
pub async fn newest(objects: &Objects, keys: &ObjectKeys) -> Result<Option<Uuid>, ObjectError> {
    let newest = notes(objects, keys).await?.into_iter().max();
    let current = match objects.get_envelope::<CurrentLineage>(&keys.current()).await {
        Ok(current) => Some(current.lineage),
        Err(ObjectError::NotExist(_)) => None,
        Err(error @ ObjectError::Damaged(_)) if newest.is_some() => {
            tracing::warn!(error = %Chain(&error), "the note of the newest lineage serves instead");
            None
        }
        Err(error) => return Err(error),
    };
    let (Some(newest), Some(current)) = (newest, current) else {
        return Ok(newest.map(|note| note.lineage).or(current));
    };
    if newest.lineage == current {
        return Ok(Some(current));
    }
    match objects.get_envelope::<LineageRecord>(&keys.lineage(current)).await {
        Ok(record) if Note::of(&record) > newest => Ok(Some(current)),
        Ok(_) | Err(ObjectError::NotExist(_)) => Ok(Some(newest.lineage)),
        Err(error) => Err(error),
    }
}

/// All notes, in no particular order.
pub async fn notes(objects: &Objects, keys: &ObjectKeys) -> Result<Vec<Note>, ObjectError> {
    let found = match objects.list(&keys.notes()).await {
        // The bucket does not exist: some stores create it with the first write.
        Err(ObjectError::NotExist(_)) => return Ok(Vec::new()),
        found => found?,
    };
    Ok(found.iter().filter_map(|key| Note::parse(key.filename()?)).collect())
}

/// Notes that a lineage became the current one. Idempotent.
pub async fn note(objects: &Objects, keys: &ObjectKeys, lineage: Uuid) -> Result<(), ObjectError> {
    let current = CurrentLineage { lineage };
    match objects.get_envelope::<LineageRecord>(&keys.lineage(lineage)).await {
        Ok(record) => objects.put_envelope(&keys.note(Note::of(&record)), &current).await?,
        // The lineage has lost its record: an import repairs that.
        Err(ObjectError::NotExist(_)) => {}
        Err(error) => return Err(error),
    }
    objects.put_envelope(&keys.current(), &current).await
}

/// The same; a failure is only logged, because a later load or archiver pass notes it again.
pub async fn try_note(objects: &Objects, keys: &ObjectKeys, lineage: Uuid) {
    if let Err(error) = note(objects, keys, lineage).await {
        let error = Chain(&error);
        tracing::warn!(%error, "the current lineage could not be noted in objects");
    }
}

impl ObjectKeys {
    pub fn notes(&self) -> Path {
        self.all().join("in-force")
    }

    pub fn note(&self, note: Note) -> Path {
        self.notes().join(note.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_in_the_order_of_their_epochs() {
        let notes = [9, 10, u64::MAX].map(|epoch| Note { epoch, lineage: Uuid::max() });
        let names = notes.map(|note| note.to_string());
        assert!(names.is_sorted());
        assert_eq!(names.map(|name| Note::parse(&name)), notes.map(Some));
        assert_eq!(Note::parse("9-ffffffff-ffff-ffff-ffff-ffffffffffff.json"), None);
    }
}
