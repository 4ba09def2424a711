//! A log that took another course than the one that this instance has applied.
//!
//! A coordination store that is restored from a backup may be newer than everything in objects.
//! Then objects do not tell, and commits that were never archived are gone; but an instance that
//! had applied them knows. It says so: the lineage ends, and a new one goes on from what the
//! coordination store holds now; the loss is logged, counted and shown as a recovery.
//!
//! Absent on purpose: bringing back what this instance had applied. It may be a part of what was
//! lost, and nobody could say which.

use super::begin::{Past, begin_lineage};
use super::record::LineageRecord;
use crate::coord::CoordinationExt;
use crate::log::format::{Commit, Head, decode};
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::load::{Start, assemble, replay};
use crate::read_model::write::{touched, write_state};

/// Begins a new lineage if the log that `start` was read from is not the one that led to `known`.
/// Whether the log is another one now.
pub(crate) async fn if_another_past(
    store: &StoreBase,
    known: &Head,
    start: &Start,
) -> Result<bool, StoreError> {
    let head = start.head;
    let another = is_another_past(store, known, &head).await?;
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

async fn fork(store: &StoreBase, start: Start) -> Result<(), StoreError> {
    store.env.point("recovery.fork").await?;
    let key = store.object_keys.lineage(start.head.lineage);
    let old: LineageRecord = store.objects.get_envelope(&key).await?;
    let loaded = assemble(store, store.create_db().await?, start).await?;
    let (mut from, mut files) = (loaded.base.head, loaded.base.files);
    let mut reached = loaded.head;
    // Others may commit meanwhile. Each round writes only what was changed since the last one.
    while reached.lineage == old.lineage {
        let touched = touched(store, from, &reached).await?;
        let state = write_state(store, &loaded.db, &files, touched.as_ref()).await?;
        (from, files) = (reached, state.1.clone());
        let Some(found) = Start::read(store).await? else { return Ok(()) };
        let head = found.head;
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
