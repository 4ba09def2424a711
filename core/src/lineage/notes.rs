//! Which lineage objects say is in force, and which archivers there are.
//!
//! Invariant: the note of the highest ballot decides, whenever it is stored. Every archiver names,
//! under a ballot of its own, the lineage that it archives, and has announced that ballot before it
//! read what there is; so one that arrives late changes nothing. `current.json` is overwritten: it
//! says the same to people, and counts in buckets of builds that wrote no notes.

use std::fmt;

use object_store::path::Path;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::CurrentLineage;
use crate::log::ballot::Ballot;
use crate::log::keys::ObjectKeys;
use crate::objects::{Envelope, ObjectError, Objects};

/// The name of an object below `in-force`: `<ballot>-<lineage>.json`, or `<ballot>.announced`.
/// Builds without ballots wrote `<epoch>-<lineage>.json`. Their order is that of ballots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    pub ballot: Ballot,
    /// `None`: the ballot is announced, and no more.
    pub lineage: Option<Uuid>,
}

/// The length of a ballot's text.
const BALLOT: usize = 57;

impl Note {
    pub fn parse(name: &str) -> Option<Note> {
        let note = if let Some(ballot) = name.strip_suffix(".announced") {
            Note { ballot: Ballot::parse(ballot)?, lineage: None }
        } else {
            let text = name.strip_suffix(".json")?;
            match (text.get(..BALLOT), text.get(BALLOT + 1..)) {
                (Some(ballot), Some(lineage)) => {
                    Note { ballot: Ballot::parse(ballot)?, lineage: Some(lineage.parse().ok()?) }
                }
                _ => {
                    let Ballot { number, session } = Ballot::parse(text)?;
                    let ballot = Ballot { number, ..Ballot::NONE };
                    Note { ballot, lineage: Some(session) }
                }
            }
        };
        (note.to_string() == name).then_some(note)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lineage {
            None => write!(f, "{}.announced", self.ballot),
            Some(lineage) if self.ballot.session.is_nil() => {
                write!(f, "{:020}-{lineage}.json", self.ballot.number)
            }
            Some(lineage) => write!(f, "{}-{lineage}.json", self.ballot),
        }
    }
}

/// What an archiver says before it reads what there is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Announced {
    pub(crate) session: Uuid,
}

impl Envelope for Announced {
    const FORMAT: &'static str = "drydock-announced/1";
}

/// The lineage that is archived, as far as objects were told.
pub async fn newest(objects: &Objects, keys: &ObjectKeys) -> Result<Option<Uuid>, ObjectError> {
    if let Some(lineage) = newest_of(&notes(objects, keys).await?) {
        return Ok(Some(lineage));
    }
    match objects.get_envelope::<CurrentLineage>(&keys.current()).await {
        Ok(current) => Ok(Some(current.lineage)),
        Err(ObjectError::NotExist(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn newest_of(notes: &[Note]) -> Option<Uuid> {
    notes.iter().filter(|note| note.lineage.is_some()).max()?.lineage
}

pub async fn notes(objects: &Objects, keys: &ObjectKeys) -> Result<Vec<Note>, ObjectError> {
    let found = match objects.list(&keys.notes()).await {
        // The bucket does not exist: some stores create it with the first write.
        Err(ObjectError::NotExist(_)) => return Ok(Vec::new()),
        found => found?,
    };
    Ok(found.iter().filter_map(|key| Note::parse(key.filename()?)).collect())
}

/// Says that an archiver comes, before it reads what there is.
pub(crate) async fn announce(
    objects: &Objects,
    keys: &ObjectKeys,
    ballot: Ballot,
) -> Result<(), ObjectError> {
    let announced = Announced { session: ballot.session };
    objects.put_envelope(&keys.note(Note { ballot, lineage: None }), &announced).await
}

/// Says which lineage an archiver goes on with.
pub async fn note(
    objects: &Objects,
    keys: &ObjectKeys,
    ballot: Ballot,
    lineage: Uuid,
) -> Result<(), ObjectError> {
    let current = CurrentLineage { lineage };
    let key = keys.note(Note { ballot, lineage: Some(lineage) });
    objects.put_envelope(&key, &current).await?;
    objects.put_envelope(&keys.current(), &current).await
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
    fn names_are_in_the_order_of_ballots() {
        let lineage = Some(Uuid::max());
        let notes: Vec<Note> = [9, 10, u64::MAX]
            .into_iter()
            .flat_map(|number| {
                let old = Note { ballot: Ballot { number, ..Ballot::NONE }, lineage };
                let ballot = Ballot { number, session: Uuid::from_u128(7) };
                [old, Note { ballot, lineage: None }, Note { ballot, lineage }]
            })
            .collect();
        assert!(notes.is_sorted());
        let read: Vec<_> = notes.iter().map(|note| Note::parse(&note.to_string())).collect();
        assert_eq!(read, notes.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!(Note::parse("9-ffffffff-ffff-ffff-ffff-ffffffffffff.json"), None);
    }
}
