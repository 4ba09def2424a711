//! Recovery of a coordination store that is lost, or is behind the archived commits: a new lineage
//! from objects alone.
//!
//! It loads the newest checkpoint that verifies, then the contiguous chain of segments, and begins
//! a new lineage at the next position. One transaction makes it the current one; a second instance
//! that recovers finds it there. Nobody edits keys by hand; the event is logged, counted and shown
//! by the status.
//!
//! Commits that were acknowledged but never archived are lost: the record says up to which position
//! the log was recovered.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::begin::{RecoveryBase, StaleHead, begin_lineage};
use super::list::last_position;
use super::notes::{self, Note};
use super::record::LineageRecord;
use crate::checkpoint::{Manifest, manifest};
use crate::context::Context;
use crate::coord::CoordinationExt;
use crate::db::Db;
use crate::log::format::{Head, Position, Reason, decode};
use crate::objects::ObjectError;
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::load::{follow, load_manifest};
use crate::read_model::write::write_state;

/// Recovers if objects hold commits that the coordination store does not.
pub(crate) async fn recover_if_set_back(store: &StoreBase) -> Result<(), StoreError> {
    let Some(found) = store.coord.get(store.keys.head()).await?.0 else { return Ok(()) };
    let head: Head = decode(&found.key, &found.value)?;
    // Objects are read first: every commit in them was committed before it was archived, so a
    // `head` that is read later and is behind them was set back.
    let proven = match proven(store, &head).await {
        Ok(proven) => proven,
        Err(error @ StoreError::Foreign { .. }) => return Err(error),
        // Objects that cannot be read prove nothing; the log may suffice to load.
        Err(error) => {
            let error = crate::error::Chain(&error).to_string();
            tracing::warn!(error, "whether the coordination store was set back is not known");
            return Ok(());
        }
    };
    let Some(found) = StaleHead::read(store).await? else { return Ok(()) };
    let now: Head = decode(&found.head.key, &found.head.value)?;
    if now.lineage != head.lineage
        || (proven.lineage == now.lineage && proven.position <= now.position)
    {
        return Ok(());
    }
    tracing::error!(
        head = now.position,
        proven = proven.position,
        "the coordination store was set back: objects hold later commits"
    );
    recover_from(store, proven.lineage, RecoveryBase::Objects(found)).await
}

/// The newest commit that objects hold.
struct Proven {
    lineage: Uuid,
    position: Position,
}

/// The newest commit that objects hold: in the current lineage, or in a later one.
async fn proven(store: &StoreBase, head: &Head) -> Result<Proven, StoreError> {
    let (objects, keys) = (&store.objects, &store.object_keys);
    let lineage = match notes::newest(objects, keys).await? {
        Some(noted) if noted != head.lineage && later(store, noted, head).await? => noted,
        _ => head.lineage,
    };
    let position = last_position(objects, keys, lineage).await?;
    Ok(Proven { lineage, position })
}

/// Whether the lineage that objects name was begun after the one of `head`. It is an error if
/// another coordination store began it: these objects belong to that one now.
async fn later(store: &StoreBase, noted: Uuid, head: &Head) -> Result<bool, StoreError> {
    let (objects, keys) = (&store.objects, &store.object_keys);
    let theirs: LineageRecord = objects.get_envelope(&keys.lineage(noted)).await?;
    let ours: LineageRecord = objects.get_envelope(&keys.lineage(head.lineage)).await?;
    let later = Note::of(&theirs) > Note::of(&ours);
    if later && theirs.identity != ours.identity {
        return Err(StoreError::Foreign { ours: ours.lineage, theirs: theirs.lineage });
    }
    Ok(later)
}

/// Recovers a store whose `head` is gone; `lineage` is the current lineage according to objects.
pub(crate) async fn recover(store: &StoreBase, lineage: Uuid) -> Result<(), StoreError> {
    tracing::error!(%lineage, "the coordination store is lost: recovering from objects");
    let mode = store.coord.get(store.keys.mode()).await?.0;
    recover_from(store, lineage, RecoveryBase::NoHead(mode)).await
}

async fn recover_from(
    store: &StoreBase,
    lineage: Uuid,
    recovery_base: RecoveryBase,
) -> Result<(), StoreError> {
    let (objects, keys) = (&store.objects, &store.object_keys);
    store.env.point("recovery.begin").await?;
    let old: LineageRecord = objects.get_envelope(&keys.lineage(lineage)).await?;
    let Rebuilt { db, base, earlier, reached } = rebuild(store, &old).await?;

    let files = earlier.as_ref().map_or(&[][..], |earlier| &earlier.files);
    let unchanged = (base == reached).then(BTreeSet::new);
    let state = write_state(store, &db, files, unchanged.as_ref()).await?;
    if !begin_lineage(store, &old, &reached, state, recovery_base).await? {
        tracing::info!("another instance has recovered the store first");
    }
    Ok(())
}

/// The last state of a lineage that objects hold.
pub(crate) struct Rebuilt {
    pub(crate) db: Db,
    /// The commit of the checkpoint that it begins with.
    base: Head,
    /// That checkpoint; `None`: it begins with the empty state.
    earlier: Option<Manifest>,
    pub(crate) reached: Head,
}

pub(crate) async fn rebuild(
    store: &StoreBase,
    record: &LineageRecord,
) -> Result<Rebuilt, StoreError> {
    let db = store.create_db().await?;
    let (base, earlier) = newest_base(store, &db, record).await?;
    let reached = follow(store, &db, base).await?;
    Ok(Rebuilt { db, base, earlier, reached })
}

/// Whether objects hold commits that the coordination store does not.
pub(crate) async fn is_set_back(store: &StoreBase, head: &Head) -> Result<bool, StoreError> {
    let proven = proven(store, head).await?;
    Ok(proven.lineage != head.lineage || proven.position > head.position)
}

/// Fills `db` with the newest checkpoint of a lineage that can be read.
async fn newest_base(
    store: &StoreBase,
    db: &Db,
    record: &LineageRecord,
) -> Result<(Head, Option<Manifest>), StoreError> {
    let lineage = record.lineage;
    for position in
        manifest::positions(&store.objects, &store.object_keys, lineage).await?.into_iter().rev()
    {
        let key = store.object_keys.manifest(lineage, position);
        let loaded = async {
            let manifest: Manifest = store.objects.get_envelope(&key).await?;
            let base = load_manifest(store, db, &manifest).await?;
            Ok::<_, StoreError>((base, Some(manifest)))
        };
        match loaded.await {
            Ok(loaded) => return Ok(loaded),
            Err(error @ StoreError::Objects(ObjectError::Unavailable { .. })) => return Err(error),
            Err(error) => {
                let error = crate::error::Chain(&error).to_string();
                tracing::error!(%key, %error, "a checkpoint cannot be read; trying an older one");
                let schema = store.schema;
                db.run(&Context::background(), move |tx| schema.clear(tx)).await?;
            }
        }
    }
    if record.reason != Reason::Bootstrap {
        let text = format!("lineage `{lineage}` has no checkpoint that can be read");
        return Err(StoreError::BrokenLog(text));
    }
    Ok((Head { lineage, position: 0, commit: lineage }, None))
}
