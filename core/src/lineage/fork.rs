//! A log that took another course than the one that this instance has applied.
//!
//! A coordination store that is restored from a backup may be newer than everything in objects.
//! Then objects do not tell, and commits that were never archived are gone; but an instance that
//! had applied them knows. To go on in the same lineage would be wrong: a checkpoint or a segment
//! of the old course may be under way to object storage, and have the name of one of the new
//! course. So the lineage ends, and a new one goes on from what the coordination store holds now.
//!
//! Absent on purpose: bringing back what this instance had applied. It may be a part of what was
//! lost, and nobody could say which.

use super::begin::{Behind, Past, begin_lineage};
use super::record::LineageRecord;
use crate::coord::CoordinationExt;
use crate::log::format::{Commit, Head, decode};
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::load::{assemble, replay};
use crate::read_model::write::{touched, write_state};

/// Begins a new lineage if the log is not the one that led to `known`.
pub(crate) async fn if_another_past(store: &StoreBase, known: &Head) -> Result<(), StoreError> {
    if let Some(found) = Behind::read(store).await? {
        let head: Head = decode(&found.head.key, &found.head.value)?;
        if is_another_past(store, known, &head).await? {
            tracing::error!(
                head = head.position,
                known = known.position,
                "the coordination store was set back: commits that were applied here are gone"
            );
            return fork(store, &head.lineage).await;
        }
    }
    Ok(())
}

/// Whether a log that ends with `head` cannot hold `known`. One that is trimmed beyond it does not
/// tell.
async fn is_another_past(store: &StoreBase, known: &Head, head: &Head) -> Result<bool, StoreError> {
    if head.lineage != known.lineage || head == known {
        return Ok(false);
    }
    if head.position <= known.position {
        return Ok(true);
    }
    let Some(found) = store.coord.get(store.keys.commit(known.position)).await?.0 else {
        return Ok(false);
    };
    let commit: Commit = decode(&found.key, &found.value)?;
    Ok(commit.lineage == known.lineage && commit.id != known.commit)
}

async fn fork(store: &StoreBase, lineage: &uuid::Uuid) -> Result<(), StoreError> {
    store.env.point("recovery.fork").await?;
    let old: LineageRecord =
        store.objects.get_envelope(&store.object_keys.lineage(*lineage)).await?;
    let loaded = assemble(store, store.create_db().await?).await?;
    let (mut from, mut files) = (loaded.base.head, loaded.base.files);
    let mut reached = loaded.head;
    // Others may commit meanwhile. Each round writes only what was changed since the last one.
    while reached.lineage == old.lineage {
        let touched = touched(store, from, &reached).await?;
        let state = write_state(store, &loaded.db, &files, touched.as_ref()).await?;
        (from, files) = (reached, state.1.clone());
        let Some(found) = Behind::read(store).await? else { return Ok(()) };
        let head: Head = decode(&found.head.key, &found.head.value)?;
        if head == reached {
            if begin_lineage(store, &old, &reached, state, Past::Log(found)).await? {
                return Ok(());
            }
        } else if head.lineage != old.lineage {
            return Ok(());
        } else if head.position <= reached.position {
            return Err(StoreError::BrokenLog("it went back once more".to_owned()));
        } else {
            reached = replay(store, &loaded.db, reached, head.position, None).await?;
        }
    }
    Ok(())
}
