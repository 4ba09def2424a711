//! The read model into data files and a manifest.
//!
//! Invariants: the files are read from one snapshot, which says itself at which commit it is; files
//! in whose range nothing was changed since the last checkpoint are shared; the manifest is
//! complete before `checkpoint` names it; `checkpoint` moves only forwards, in a transaction that
//! compares the fence and the manifest that this one was made after.

use std::collections::BTreeSet;

use super::archive::unchanged;
use crate::context::Context;
use crate::coord::lock::Fence;
use crate::coord::{Coordination, CoordinationExt, Op, Txn};
use crate::db::{DbError, Snapshot};
use crate::log::checkpoint::{DATA_FILE_BYTES, DataFile, DataWriter, Manifest, Place};
use crate::log::format::{Action, CheckpointRecord, Commit, Head, decode, encode};
use crate::store::schema::{self, Start};
use crate::store::{History, Inner, Schema, Store, StoreError};

/// A file that would be smaller than this goes together with the next one.
const SMALL_BYTES: usize = DATA_FILE_BYTES / 4;
/// Objects read at a time.
const PAGE: usize = 500;
/// Changed objects remembered at most; with more of them everything is written anew.
const TOUCHED_MAX: usize = 200_000;

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
        // Set back, and the feed has not found out.
        return Ok(());
    }
    inner.env.point("checkpoint.begin").await?;
    let manifest = write(store, &snapshot, head, last).await?;
    inner.env.point("checkpoint.manifest_written").await?;
    let record = CheckpointRecord { lineage: manifest.lineage, position: manifest.position };
    let publish = Txn::default()
        .when(fence.compare())
        .when(unchanged(inner.keys.checkpoint(), found.map(|kv| kv.value)))
        // In a store that was set back meanwhile another commit may be there, or none.
        .when(unchanged(at.key, Some(at.value)))
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
    let (earlier, touched) = match last {
        Some(last) => {
            let key = inner.object_keys.manifest(last.lineage, last.position);
            let earlier: Manifest = inner.objects.get_sealed(&key).await?;
            let touched = touched(inner, earlier.head(), &head).await?;
            (Some(earlier), touched)
        }
        None => (None, None),
    };
    let files = earlier.as_ref().map_or(&[][..], |earlier| &earlier.files);
    let writer = Writer::new(inner, snapshot);
    let files = writer.write(files, touched.as_ref()).await?;
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
    inner.objects.put_sealed(&key, &manifest).await?;
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

/// Where objects stand in the order: the type's number and the id.
pub(crate) type Rank = (usize, uuid::Uuid);

/// What was changed between two commits; `None` if that is too much to remember.
pub(crate) async fn touched(
    inner: &Inner,
    from: Head,
    to: &Head,
) -> Result<Option<BTreeSet<Rank>>, StoreError> {
    let mut history = History::after(inner, from, to.position);
    let mut touched = BTreeSet::new();
    while let Some(commits) = history.next().await? {
        for commit in commits {
            for action in inner.actions(commit.body).await? {
                let (kind, id) = match &action {
                    Action::Put(object) => (&object.r#type, object.id),
                    Action::Delete { r#type, id } => (r#type, *id),
                };
                touched.insert((rank_of(inner.schema, kind)?, id));
            }
        }
        if touched.len() > TOUCHED_MAX {
            return Ok(None);
        }
    }
    Ok(Some(touched))
}

fn rank_of(schema: &Schema, kind: &str) -> Result<usize, StoreError> {
    let unknown = || StoreError::BrokenLog(format!("type `{kind}` is not known"));
    Ok(schema.find(kind).ok_or_else(unknown)?.0)
}

/// Writes what was changed, and shares the rest.
pub(crate) struct Writer<'a> {
    schema: &'static Schema,
    snapshot: &'a Snapshot,
    out: DataWriter<'a>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(inner: &'a Inner, snapshot: &'a Snapshot) -> Writer<'a> {
        let out = DataWriter::new(&inner.objects, &inner.object_keys, &inner.env);
        Writer { schema: inner.schema, snapshot, out }
    }

    /// A file stands for everything from its first object up to the next file's; the first one also
    /// for what comes before it.
    pub(crate) async fn write(
        mut self,
        files: &[DataFile],
        touched: Option<&BTreeSet<Rank>>,
    ) -> Result<Vec<DataFile>, StoreError> {
        let starts = files.iter().map(|file| self.rank(&file.first));
        let mut starts = starts.collect::<Result<Vec<Rank>, _>>()?;
        if let Some(first) = starts.first_mut() {
            *first = START;
        }
        for (nth, file) in files.iter().enumerate() {
            let (start, end) = (starts[nth], starts.get(nth + 1).copied());
            let changed = touched.is_none_or(|touched| match end {
                Some(end) => touched.range(start..end).next().is_some(),
                None => touched.range(start..).next().is_some(),
            });
            let open = self.out.open_bytes();
            if !changed && (open == 0 || open >= SMALL_BYTES) {
                self.out.cut().await?;
                self.out.share(file.clone());
            } else {
                self.copy(start, end).await?;
            }
        }
        if files.is_empty() {
            self.copy(START, None).await?;
        }
        Ok(self.out.finish().await?)
    }

    fn rank(&self, place: &Place) -> Result<Rank, StoreError> {
        Ok((rank_of(self.schema, &place.r#type)?, place.id))
    }

    /// Copies the objects from `start` up to, not including, `end`.
    async fn copy(&mut self, start: Rank, end: Option<Rank>) -> Result<(), StoreError> {
        let schema = self.schema;
        for (nth, kind) in schema.types.iter().enumerate() {
            if nth < start.0 || end.is_some_and(|end| nth > end.0) {
                continue;
            }
            let until = end.filter(|end| end.0 == nth).map(|end| end.1.to_string());
            // Ids are compared as texts; the empty one is before all, the start itself included.
            let mut from = if nth == start.0 { start.1.to_string() } else { String::new() };
            let mut start_at = Start::Included;
            loop {
                let (after, bound) = (from.clone(), until.clone());
                let read = move |tx: &crate::db::Tx<'_>| {
                    schema.span(tx, kind, &after, start_at, bound.as_deref(), PAGE)
                };
                let page = self.snapshot.read::<_, DbError>(&Context::background(), read).await?;
                for object in &page {
                    self.out.push(object).await?;
                }
                match page.last() {
                    Some(last) if page.len() == PAGE => from = last.id.to_string(),
                    _ => break,
                }
                start_at = Start::Excluded;
            }
        }
        Ok(())
    }
}

const START: Rank = (0, uuid::Uuid::nil());
