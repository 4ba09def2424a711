//! Deletes objects that nothing can refer to any more.
//!
//! No clock decides. Every writer reads the key that its transaction will compare (`head` for
//! commits and imports, `checkpoint` for checkpoints) before it stores its first object, and no two
//! writers store the same bytes. So an object that nothing refers to is garbage for good once both
//! keys have changed since it was seen: the transaction of its writer can only fail. The grace
//! period comes on top, for readers of an older checkpoint (which would load again anyway).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use object_store::path::Path;
use uuid::Uuid;

use crate::checkpoint::{Manifest, manifest};
use crate::coord::lock::Fence;
use crate::coord::{Coordination, CoordinationExt, Op, OpResult, RangeRequest, Txn, Value};
use crate::lineage::list::{lineage_history, records};
use crate::lineage::notes;
use crate::log::format::{Body, CheckpointRecord, Commit, Head, Position, decode};
use crate::log::keys::{ObjectKeys, Span};
use crate::log::segment;
use crate::read_model::StoreError;
use crate::store::{Inner, Store};

/// Objects that earlier passes found to be garbage. If the list is lost, the wait begins anew.
#[derive(Default)]
pub struct GarbageCandidates {
    found: BTreeMap<Path, Candidate>,
}

struct Candidate {
    /// The keys when the object was first seen to be garbage.
    keys: ComparedKeys,
    at: Duration,
}

/// The values of the keys that writers compare.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ComparedKeys {
    head: Option<Value>,
    checkpoint: Option<Value>,
}

impl ComparedKeys {
    /// Whether every writer that began before `self` was read can only fail after `later` was.
    fn all_changed(&self, later: &ComparedKeys) -> bool {
        self.head != later.head && self.checkpoint != later.checkpoint
    }
}

/// Commits read at a time.
const PAGE: usize = 256;

/// Runs one pass; answers the objects that it deleted.
pub async fn run_once(
    store: &Store,
    fence: &Fence,
    candidates: &mut GarbageCandidates,
) -> Result<Vec<Path>, StoreError> {
    let inner = &store.inner;
    // Read before the listing: a writer that compares older values than these can publish nothing
    // any more, so its objects stay garbage.
    let past = compared_keys(inner).await?;
    let garbage = garbage(inner).await?;
    inner.env.point("collect.listed").await?;
    let (now, grace) =
        (inner.env.monotonic(), Duration::from_millis(inner.settings.tasks.grace_ms));
    // Read again after the listing: the writer of every listed object had begun by then.
    let keys = compared_keys(inner).await?;
    let mut before = std::mem::take(&mut candidates.found);
    let mut deleted = Vec::new();
    inner.env.point("collect.before_delete").await?;
    for key in garbage {
        match before.remove(&key) {
            Some(seen) if seen.keys.all_changed(&past) && now.saturating_sub(seen.at) >= grace => {
                // Not for safety, but so that two instances do not do the same work.
                if deleted.is_empty() && !still_held(inner, fence).await? {
                    return Err(StoreError::Fenced);
                }
                inner.objects.delete(&key).await?;
                inner.stats.collected();
                deleted.push(key);
            }
            Some(seen) => drop(candidates.found.insert(key, seen)),
            None => {
                drop(candidates.found.insert(key, Candidate { keys: keys.clone(), at: now }));
            }
        }
    }
    Ok(deleted)
}

async fn still_held(inner: &Inner, fence: &Fence) -> Result<bool, StoreError> {
    Ok(inner.coord.txn(Txn::default().when(fence.compare())).await?.succeeded)
}

async fn compared_keys(inner: &Inner) -> Result<ComparedKeys, StoreError> {
    let read =
        Txn::default().then(Op::get(inner.keys.head())).then(Op::get(inner.keys.checkpoint()));
    let answer = inner.coord.txn(read).await?;
    let value =
        |at: usize| answer.results.get(at).and_then(OpResult::first).map(|kv| kv.value.clone());
    Ok(ComparedKeys { head: value(0), checkpoint: value(1) })
}

/// The objects that no kept object and no commit refers to, as of now. The parts of a lineage come
/// before its record.
pub(crate) async fn garbage(inner: &Inner) -> Result<Vec<Path>, StoreError> {
    let (objects, keys) = (&inner.objects, &inner.object_keys);
    // Listed first: objects that are stored later are left alone.
    let data = objects.list(&keys.all_data()).await?;
    let lineages = records(objects, keys).await?;
    let notes = notes::notes(objects, keys).await?;
    let Some(head) = inner.coord.get(inner.keys.head()).await?.0 else { return Ok(Vec::new()) };
    let current = decode::<Head>(&head.key, &head.value)?.lineage;
    let (mut kept, mut garbage) = (BTreeSet::new(), Vec::new());
    from_log(inner, &mut kept).await?;
    // A lineage that never was the current one is still being made, or was given up: it does not
    // count.
    let history = lineage_history(&lineages, Some(current)).map(|record| record.lineage);
    let others: Vec<Uuid> = history.filter(|id| *id != current).collect();
    let room = inner.settings.tasks.lineages_kept.saturating_sub(1);
    let keep = &others[others.len().saturating_sub(room)..];
    for id in lineages.iter().map(|record| record.lineage) {
        if id == current {
            let count = inner.settings.tasks.checkpoints_kept.max(1);
            keep_lineage(inner, id, count, &mut kept, &mut garbage).await?;
        } else if keep.contains(&id) {
            keep_lineage(inner, id, 1, &mut kept, &mut garbage).await?;
        } else {
            garbage.extend(objects.list(&keys.manifests(id)).await?);
            garbage.extend(objects.list(&keys.segments(id)).await?);
            let notes = notes.iter().filter(|note| note.lineage == id);
            garbage.extend(notes.map(|note| keys.note(*note)));
            garbage.push(keys.lineage(id));
        }
    }
    garbage.extend(data.into_iter().filter(|key| !kept.contains(key)));
    Ok(garbage)
}

/// Adds the objects that commits in the coordination store refer to.
async fn from_log(inner: &Inner, kept: &mut BTreeSet<Path>) -> Result<(), StoreError> {
    let mut range = inner.keys.commits();
    loop {
        let page = inner.coord.range(RangeRequest::new(range.clone()).limit(PAGE)).await?;
        let mut last: Option<Head> = None;
        for found in &page.kvs {
            let commit: Commit = decode(&found.key, &found.value)?;
            last = Some(commit.head());
            keep_commit(&inner.object_keys, &commit, kept);
        }
        match last {
            Some(last) if page.more => range = inner.keys.commits_after(last.position),
            _ => return Ok(()),
        }
    }
}

/// Keeps the newest manifests of a lineage and the segments after the oldest of them.
async fn keep_lineage(
    inner: &Inner,
    lineage: Uuid,
    count: usize,
    kept: &mut BTreeSet<Path>,
    garbage: &mut Vec<Path>,
) -> Result<(), StoreError> {
    let (objects, keys) = (&inner.objects, &inner.object_keys);
    let positions = manifest::positions(objects, keys, lineage).await?;
    let published = published(inner, lineage).await?;
    // A newer manifest than the published one may be about to be published.
    let complete: Vec<Position> =
        positions.iter().copied().filter(|at| published.is_none_or(|last| *at <= last)).collect();
    let (old, newest) = complete.split_at(complete.len().saturating_sub(count));
    garbage.extend(old.iter().map(|at| keys.manifest(lineage, *at)));
    let pending = positions.iter().filter(|at| !complete.contains(at));
    for at in newest.iter().chain(pending) {
        let manifest: Manifest = objects.get_envelope(&keys.manifest(lineage, *at)).await?;
        kept.extend(manifest.files.iter().map(|file| keys.data(&file.name)));
    }
    let oldest = newest.first().copied().unwrap_or(0);
    for span in segment::list(objects, keys, lineage, 0).await? {
        if span.last <= oldest {
            garbage.push(keys.segment(lineage, span));
        } else {
            keep_segment(inner, lineage, span, kept).await?;
        }
    }
    Ok(())
}

/// The published checkpoint, if it is of this lineage.
async fn published(inner: &Inner, lineage: Uuid) -> Result<Option<Position>, StoreError> {
    let Some(found) = inner.coord.get(inner.keys.checkpoint()).await?.0 else { return Ok(None) };
    let record: CheckpointRecord = decode(&found.key, &found.value)?;
    Ok((record.lineage == lineage).then_some(record.position))
}

async fn keep_segment(
    inner: &Inner,
    lineage: Uuid,
    span: Span,
    kept: &mut BTreeSet<Path>,
) -> Result<(), StoreError> {
    let (objects, keys) = (&inner.objects, &inner.object_keys);
    let segment = segment::read(objects, keys, lineage, span).await?;
    segment.commits.iter().for_each(|commit| keep_commit(keys, commit, kept));
    Ok(())
}

fn keep_commit(keys: &ObjectKeys, commit: &Commit, kept: &mut BTreeSet<Path>) {
    if let Body::Object(name) = &commit.body {
        kept.insert(keys.data(name));
    }
}
