//! Makes a checkpoint: writes the read model as data files and a manifest.
//!
//! Invariants: the files are read from one snapshot, which says itself at which commit it is; files
//! in whose range nothing was changed since the last checkpoint are shared; the manifest is
//! complete before `checkpoint` names it; only commits that are published as archived have one, so
//! that there are no two of a name; `checkpoint` moves only forwards, in a transaction that
//! compares the fence and the manifest that this one was made after.

use std::time::Duration;

use crate::checkpoint::Manifest;
use crate::context::Context;
use crate::coord::lock::Fence;
use crate::coord::{Compare, Coordination, CoordinationExt, Op, OpResult, Txn};
use crate::db::{DbError, Snapshot};
use crate::log::format::{ArchivedRecord, CheckpointRecord, Commit, Head, decode, encode};
use crate::objects::ObjectError;
use crate::read_model::write::{StoredFiles, changed_objects, write_snapshot};
use crate::read_model::{StoreError, schema};
use crate::store::{Inner, Store};

/// The longest that a pass waits for the archiver.
const PATIENCE_MAX: Duration = Duration::from_secs(5);

pub async fn run_once(store: &Store, fence: &Fence) -> Result<(), StoreError> {
    let inner = &store.inner;
    let found = inner.coord.get(inner.keys.checkpoint()).await?.0;
    let last = found.as_ref().map(|kv| decode::<CheckpointRecord>(&kv.key, &kv.value));
    let last = last.transpose()?;
    let snapshot = inner.db()?.snapshot(&Context::background()).await?;
    let head = snapshot.read::<_, DbError>(&Context::background(), schema::head).await?;
    let after = last.map_or(0, |last| last.position);
    if head.position < after + inner.settings.tasks.checkpoint_commits
        || last.is_some_and(|last| last.lineage != head.lineage)
    {
        return Ok(());
    }
    if !is_archived(inner, &head).await? {
        return Ok(());
    }
    inner.env.point("checkpoint.begin").await?;
    let manifest = write(store, &snapshot, head, last).await?;
    inner.env.point("checkpoint.manifest_written").await?;
    let record = CheckpointRecord { lineage: manifest.lineage, position: manifest.position };
    let publish = Txn::default()
        .when(fence.compare())
        .when(Compare::unchanged(inner.keys.checkpoint(), found.map(|kv| kv.value)))
        .then(Op::put(inner.keys.checkpoint(), encode(&record)));
    if !inner.coord.txn(publish).await?.succeeded {
        return Err(StoreError::Fenced);
    }
    inner.stats.checkpoints();
    inner.env.point("checkpoint.after_publish").await?;
    Ok(())
}

/// Waits a while until it is published that the log is archived up to `head`, with this very commit
/// there. From then on its state is part of every past, and its name means nothing else.
async fn is_archived(inner: &Inner, head: &Head) -> Result<bool, StoreError> {
    let patience = 2 * Duration::from_millis(inner.settings.tasks.archive_period_ms);
    let waited = tokio::time::timeout(patience.min(PATIENCE_MAX), inner.wait_archived(head));
    // What it says is looked up.
    let _ = waited.await;
    let look = Txn::default()
        .then(Op::get(inner.keys.archived()))
        .then(Op::get(inner.keys.commit(head.position)));
    let answer = inner.coord.txn(look).await?;
    let found = |at: usize| answer.results.get(at).and_then(OpResult::first);
    let Some(archived) = found(0) else { return Ok(false) };
    let archived: ArchivedRecord = decode(&archived.key, &archived.value)?;
    let place = found(1).map(|kv| decode::<Commit>(&kv.key, &kv.value)).transpose()?;
    let here = place.is_some_and(|place| place.head() == *head) || archived.head() == *head;
    Ok(here && archived.is_published() && archived.position >= head.position)
}

async fn write(
    store: &Store,
    snapshot: &Snapshot,
    head: Head,
    last: Option<CheckpointRecord>,
) -> Result<Manifest, StoreError> {
    let inner = &store.inner;
    let (earlier, changed) = match last {
        Some(last) => {
            let key = inner.object_keys.manifest(last.lineage, last.position);
            match inner.objects.get_envelope::<Manifest>(&key).await {
                Ok(earlier) => {
                    let touched = changed_objects(inner, earlier.head(), &head).await?;
                    (Some(earlier), touched)
                }
                // Collected, and then the coordination store was set back: all is written anew.
                Err(ObjectError::NotExist(_)) => (None, None),
                Err(error) => return Err(error.into()),
            }
        }
        None => (None, None),
    };
    let earlier = earlier.map(StoredFiles::of).unwrap_or_default();
    let state = write_snapshot(inner, snapshot, &earlier, changed.as_ref()).await?;
    let manifest = state.manifest(inner, &head);
    let key = inner.object_keys.manifest(manifest.lineage, manifest.position);
    inner.env.point("checkpoint.files_written").await?;
    inner.objects.put_envelope(&key, &manifest).await?;
    Ok(manifest)
}
