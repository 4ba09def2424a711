//! Makes a checkpoint: writes the read model as data files and a manifest.
//!
//! Invariants: the files are written from one snapshot, which holds its own position; files without
//! a changed object since the last checkpoint are shared; the manifest is complete before
//! `checkpoint` names it; `checkpoint` moves only forwards, in a transaction that compares the
//! fence and the value of `checkpoint` that the pass began with.

use crate::checkpoint::Manifest;
use crate::context::Context;
use crate::coord::lock::Fence;
use crate::coord::{Compare, Coordination, CoordinationExt, Op, Txn};
use crate::db::{DbError, Snapshot};
use crate::log::format::{CheckpointRecord, Commit, Head, decode, encode};
use crate::read_model::write::{Writer, changed_objects};
use crate::read_model::{StoreError, schema};
use crate::store::Store;

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
    let place = inner.keys.commit(head.position);
    let Some(at) = inner.coord.get(place).await?.0 else { return Ok(()) };
    if decode::<Commit>(&at.key, &at.value)?.head() != head {
        // The store was set back, and the feed has not noticed yet.
        return Ok(());
    }
    inner.env.point("checkpoint.begin").await?;
    let manifest = write(store, &snapshot, head, last).await?;
    inner.env.point("checkpoint.manifest_written").await?;
    let record = CheckpointRecord { lineage: manifest.lineage, position: manifest.position };
    let publish = Txn::default()
        .when(fence.compare())
        .when(Compare::unchanged(inner.keys.checkpoint(), found.map(|kv| kv.value)))
        // If the store was set back meanwhile, the key may hold another commit, or none.
        .when(Compare::unchanged(at.key, Some(at.value)))
        .then(Op::put(inner.keys.checkpoint(), encode(&record)));
    if !inner.coord.txn(publish).await?.succeeded {
        return Err(StoreError::Fenced);
    }
    inner.stats.checkpoints();
    inner.env.point("checkpoint.after_publish").await?;
    Ok(())
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
            let earlier: Manifest = inner.objects.get_envelope(&key).await?;
            let changed = changed_objects(inner, earlier.head(), &head).await?;
            (Some(earlier), changed)
        }
        None => (None, None),
    };
    let files = earlier.as_ref().map_or(&[][..], |earlier| &earlier.files);
    let writer = Writer::new(inner, snapshot);
    let files = writer.write(files, changed.as_ref()).await?;
    let manifest = Manifest {
        service: inner.schema.service.to_owned(),
        schema: inner.schema.version,
        lineage: head.lineage,
        position: head.position,
        commit: head.commit,
        created: inner.env.now(),
        counts: counts(store, snapshot).await?,
        files,
    };
    let key = inner.object_keys.manifest(manifest.lineage, manifest.position);
    inner.env.point("checkpoint.files_written").await?;
    inner.objects.put_envelope(&key, &manifest).await?;
    Ok(manifest)
}

async fn counts(
    store: &Store,
    snapshot: &Snapshot,
) -> Result<std::collections::BTreeMap<String, u64>, StoreError> {
    let schema = store.inner.schema;
    let read = move |tx: &crate::db::Tx<'_>| schema.counts(tx);
    Ok(snapshot.read::<_, DbError>(&Context::background(), read).await?)
}
