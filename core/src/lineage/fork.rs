//! A log that diverged from the one that this instance has applied.
//!
//! A coordination store that is restored from a backup may be newer than everything in objects.
//! Then objects do not show the loss, and commits that were never archived are gone; but an
//! instance that had applied them notices. Continuing in the same lineage would be wrong: a
//! checkpoint or a segment of the lost log may still be on its way to object storage, under the
//! name of one of the new log. So the lineage ends, and a new one continues from the contents of
//! the coordination store.
//!
//! Absent on purpose: restoring the commits that this instance had applied. They may be only a part
//! of the lost ones, and no instance knows which part.

use super::begin::{RecoveryBase, StaleHead, begin_lineage};
use super::record::LineageRecord;
use crate::coord::CoordinationExt;
use crate::log::format::{Commit, Head, decode};
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::load::{assemble, replay};
use crate::read_model::write::{changed_objects, write_state};

/// Begins a new lineage if the log does not hold `known`, the last commit applied here.
pub(crate) async fn fork_if_diverged(store: &StoreBase, known: &Head) -> Result<(), StoreError> {
    if let Some(found) = StaleHead::read(store).await? {
        let head: Head = decode(&found.head.key, &found.head.value)?;
        if has_diverged(store, known, &head).await? {
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

/// Whether a log that ends with `head` cannot hold `known`. If the log is trimmed beyond `known`,
/// that cannot be seen.
async fn has_diverged(store: &StoreBase, known: &Head, head: &Head) -> Result<bool, StoreError> {
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
    // Other instances may commit meanwhile. Each round writes only the objects that changed since
    // the last one.
    while reached.lineage == old.lineage {
        let changed = changed_objects(store, from, &reached).await?;
        let state = write_state(store, &loaded.db, &files, changed.as_ref()).await?;
        (from, files) = (reached, state.1.clone());
        let Some(found) = StaleHead::read(store).await? else { return Ok(()) };
        let head: Head = decode(&found.head.key, &found.head.value)?;
        if head == reached {
            if begin_lineage(store, &old, &reached, state, RecoveryBase::Log(found)).await? {
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
