//! What objects prove, and whether a log goes on from there.
//!
//! Invariant: objects are read before the log that is judged by them. Whatever they hold was
//! committed before it was written, so a log that is read afterwards and does not hold it was set
//! back. Objects that cannot be read are an error: nobody knows then.

use uuid::Uuid;

use super::notes;
use super::record::LineageRecord;
use crate::checkpoint::{Manifest, manifest};
use crate::error::{Chain as Causes, FailureClass};
use crate::log::format::{Head, Position, Reason};
use crate::log::segment::Chain;
use crate::objects::ObjectError;
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::load::Start;

/// What objects prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The last commit of the lineage that is noted. `None`: nothing is noted.
    pub(crate) end: Option<Head>,
}

/// Lineages that are followed back at most.
const LINEAGES_MAX: usize = 1_000;

/// Reads objects. `start`: where a log stood before, which spares reading what was published then.
pub(crate) async fn read(store: &StoreBase, start: &Start) -> Result<Proof, StoreError> {
    let (objects, keys) = (&store.objects, &store.object_keys);
    let Some(noted) = notes::newest(objects, keys).await? else {
        must_hold_record(store, start.head.lineage).await?;
        return Ok(Proof { end: None });
    };
    // What was published is on the path that all archivers agree on.
    let known = start.published().filter(|known| known.lineage == noted);
    let from = match newest_manifest(store, noted, known.map_or(0, |known| known.position)).await? {
        Some(manifest) => manifest,
        None => match known {
            Some(known) => known,
            None => first_boot(store, start, noted).await?,
        },
    };
    Ok(Proof { end: Some(last_of(store, from).await?) })
}

/// Fails if objects lack the record of the lineage in force. It was stored before `head` named the
/// lineage, so these are the objects of another bucket, or what they were is lost.
async fn must_hold_record(store: &StoreBase, lineage: Uuid) -> Result<(), StoreError> {
    match record_of(store, lineage).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::OtherObjects { lineage }),
    }
}

/// The newest readable checkpoint after a position.
async fn newest_manifest(
    store: &StoreBase,
    lineage: Uuid,
    after: Position,
) -> Result<Option<Head>, StoreError> {
    let (objects, keys) = (&store.objects, &store.object_keys);
    let positions = manifest::positions(objects, keys, lineage).await?;
    for position in positions.into_iter().rev().take_while(|position| *position > after) {
        match objects.get_envelope::<Manifest>(&keys.manifest(lineage, position)).await {
            Ok(manifest) => return Ok(Some(manifest.head())),
            Err(error) if error.class() != FailureClass::Other => return Err(error.into()),
            Err(error) => {
                let error = Causes(&error).to_string();
                tracing::error!(%lineage, position, error, "a checkpoint cannot be read");
            }
        }
    }
    Ok(None)
}

/// The beginning of a lineage that has no checkpoint: that of a first boot.
async fn first_boot(store: &StoreBase, start: &Start, lineage: Uuid) -> Result<Head, StoreError> {
    let root = Head { lineage, position: 0, commit: lineage };
    // Only a first boot leaves `archived` out.
    if start.head.lineage == lineage && start.archived.is_none() {
        return Ok(root);
    }
    let record: LineageRecord =
        store.objects.get_envelope(&store.object_keys.lineage(lineage)).await?;
    if record.reason != Reason::Bootstrap {
        let text = format!("lineage `{lineage}` has no checkpoint that can be read");
        return Err(StoreError::BrokenLog(text));
    }
    Ok(root)
}

/// The last commit that segments lead to.
async fn last_of(store: &StoreBase, from: Head) -> Result<Head, StoreError> {
    let mut chain = Chain::after(&store.objects, &store.object_keys, from).await?;
    loop {
        match chain.next().await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(chain.at()),
            Err(error) if error.class() != FailureClass::Other => return Err(error.into()),
            Err(error) => {
                let (position, error) = (chain.at().position, Causes(&error).to_string());
                tracing::error!(position, error, "the chain of segments ends here");
                return Ok(chain.at());
            }
        }
    }
}

impl Proof {
    pub(crate) fn names(&self, lineage: Uuid) -> bool {
        self.end.is_some_and(|end| end.lineage == lineage)
    }

    /// Whether a log goes on from here.
    pub(crate) async fn is_held_by(
        &self,
        store: &StoreBase,
        start: &Start,
    ) -> Result<bool, StoreError> {
        let Some(end) = self.end else { return Ok(true) };
        let head = start.head;
        if head.lineage == end.lineage {
            return holds(store, start, end).await;
        }
        // The lineage in force is not noted, or an old one: which commit of the noted one does it
        // go on from?
        let Some(record) = record_of(store, head.lineage).await? else { return Ok(false) };
        let Some(first) = record.followed() else { return Ok(false) };
        let mut followed_last = first;
        for _ in 0..LINEAGES_MAX {
            let (lineage, position, commit) = followed_last;
            if lineage == end.lineage {
                let goes_on = if position == end.position {
                    commit.is_none_or(|commit| commit == end.commit)
                } else {
                    let published = was_published(start, &record, end);
                    position > end.position && (published || holds(store, start, end).await?)
                };
                // Without its own first state it cannot be gone back to.
                let begins = first.1 + 1;
                return Ok(goes_on && has_state(store, head.lineage, begins).await?);
            }
            match followed(store, lineage).await? {
                Some(before) => followed_last = before,
                None => return Ok(false),
            }
        }
        Ok(false)
    }
}

/// Whether a log holds a commit that is not after its `head`.
async fn holds(store: &StoreBase, start: &Start, end: Head) -> Result<bool, StoreError> {
    // The first state of a first boot, from which everything in its lineage comes.
    if end == start.head || end.commit == end.lineage {
        return Ok(true);
    }
    // It was published, or something in its place was, which then outranks it.
    if start.published().is_some_and(|published| published.position >= end.position) {
        return Ok(true);
    }
    let found = start.commit_at(store, end.position).await?;
    Ok(found.is_some_and(|commit| commit.head() == end))
}

/// Whether the lineage in force was switched to while `end` was published already: then the log
/// that the switch ended holds it, and a listing that says no more is late. Until something of the
/// new lineage is published, `archived` says how far the old one was; after a recovery, it says
/// what objects held, published or not.
fn was_published(start: &Start, record: &LineageRecord, end: Head) -> bool {
    let ended = record.followed().map(|(lineage, ..)| lineage);
    let archived = start.archived.filter(|archived| archived.lineage == record.lineage);
    record.reason != Reason::Recovery
        && ended == Some(end.lineage)
        && archived.is_some_and(|archived| archived.position >= end.position)
}

async fn record_of(store: &StoreBase, lineage: Uuid) -> Result<Option<LineageRecord>, StoreError> {
    let key = store.object_keys.lineage(lineage);
    match store.objects.get_envelope(&key).await {
        Ok(record) => Ok(Some(record)),
        Err(ObjectError::NotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn followed(
    store: &StoreBase,
    lineage: Uuid,
) -> Result<Option<(Uuid, Position, Option<Uuid>)>, StoreError> {
    Ok(record_of(store, lineage).await?.and_then(|record| record.followed()))
}

/// The last commit of `lineage` on the way to `at`: `at` itself, or where later ones went on from
/// it. `None`: it is not on the way, or nobody wrote down where it ended.
pub(crate) async fn passed(
    store: &StoreBase,
    at: Head,
    lineage: Uuid,
) -> Result<Option<Head>, StoreError> {
    let mut at = at;
    for _ in 0..LINEAGES_MAX {
        if at.lineage == lineage {
            return Ok(Some(at));
        }
        match followed(store, at.lineage).await? {
            Some((lineage, position, Some(commit))) => at = Head { lineage, position, commit },
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Whether a checkpoint and all of its data files are there: what nothing referred to for a while
/// may have been collected.
async fn has_state(store: &StoreBase, lineage: Uuid, at: Position) -> Result<bool, StoreError> {
    let (objects, keys) = (&store.objects, &store.object_keys);
    let manifest = match objects.get_envelope::<Manifest>(&keys.manifest(lineage, at)).await {
        Err(ObjectError::NotExist(_)) => return Ok(false),
        found => found?,
    };
    for file in manifest.files {
        match objects.size(&keys.data(&file.name)).await {
            Ok(_) => {}
            Err(ObjectError::NotExist(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Fails if the lineage that objects name was begun by another coordination store: then these
/// objects are not ours any more.
pub(crate) async fn is_ours(store: &StoreBase, head: &Head, end: &Head) -> Result<(), StoreError> {
    let (objects, keys) = (&store.objects, &store.object_keys);
    let ours = objects.get_envelope::<LineageRecord>(&keys.lineage(head.lineage)).await;
    let theirs = objects.get_envelope::<LineageRecord>(&keys.lineage(end.lineage)).await;
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) if ours.identity != theirs.identity => {
            Err(StoreError::Foreign { ours: ours.lineage, theirs: theirs.lineage })
        }
        (Err(error), _) | (_, Err(error)) if error.class() != FailureClass::Other => {
            Err(error.into())
        }
        _ => Ok(()),
    }
}
