//! A log that diverged from the one that this instance has applied.
//!
//! A coordination store that is restored from a backup may be newer than everything in objects.
//! Then objects do not tell, and commits that were never archived are gone; but an instance that
//! had applied them knows. It says so: the lineage ends, and a new one goes on from what the
//! coordination store holds now; the loss is logged, counted and shown as a recovery.
//!
//! Absent on purpose: restoring the commits that this instance had applied. They may be only a part
//! of the lost ones, and no instance knows which part.

use super::begin::{RecoveryBase, begin_lineage};
use super::floors;
use super::record::LineageRecord;
use crate::coord::CoordinationExt;
use crate::log::format::{Commit, Head, decode};
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::load::{Start, assemble, replay};
use crate::read_model::write::{changed_objects, write_state};

/// Begins a new lineage if the log that `start` was read from is not the one that led to `known`.
/// Whether the log is another one now.
pub(crate) async fn fork_if_diverged(
    store: &StoreBase,
    known: &Head,
    start: &Start,
) -> Result<bool, StoreError> {
    let head = start.head;
    let another = has_diverged(store, known, &head).await?;
    if another {
        tracing::error!(
            head = head.position,
            known = known.position,
            "the coordination store was set back: commits that were applied here are gone"
        );
        fork(store, start.clone()).await?;
    }
    Ok(another)
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

async fn fork(store: &StoreBase, start: Start) -> Result<(), StoreError> {
    store.env.point("recovery.fork").await?;
    let key = store.object_keys.lineage(start.head.lineage);
    let old: LineageRecord = store.objects.get_envelope(&key).await?;
    let loaded = assemble(store, store.create_db().await?, start).await?;
    floors::put(store, &loaded.db, &old).await?;
    let (mut from, mut stored) = (loaded.base.head, loaded.base.stored);
    let mut reached = loaded.head;
    // Other instances may commit meanwhile. Each round writes only the objects that changed since
    // the last one.
    while reached.lineage == old.lineage {
        let changed = changed_objects(store, from, &reached).await?;
        let state = write_state(store, &loaded.db, &stored, changed.as_ref()).await?;
        (from, stored) = (reached, state.stored.clone());
        let Some(found) = Start::read(store).await? else { return Ok(()) };
        let head = found.head;
        if head == reached {
            let state = (state, floors::after_loss(store, &loaded.db).await?);
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
