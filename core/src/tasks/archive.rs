//! Archives commits as segments.
//!
//! Invariants: `archived` moves only in a transaction that compares the fence and the old value,
//! and only after the segment is stored; it moves forwards, and within one lineage, which objects
//! name as the current one. The log is read after `archived`, so no commit between the two is
//! missed.

use uuid::Uuid;

use crate::coord::lock::Fence;
use crate::coord::{Compare, Coordination, KeyValue, Op, OpResult, RangeRequest, Txn, Value};
use crate::lineage::notes::{self, Note};
use crate::lineage::record::{CurrentLineage, LineageRecord};
use crate::log::format::{ArchivedRecord, Commit, Head, decode, encode};
use crate::log::segment::Segment;
use crate::objects::ObjectError;
use crate::read_model::StoreError;
use crate::store::Store;

/// Bytes of commits at which a segment ends.
const SEGMENT_BYTES: usize = 4 << 20;
/// Commits read at a time.
const PAGE: usize = 64;

/// The part of the log that is not archived yet.
struct Unarchived {
    archived: ArchivedRecord,
    /// `None`: the key `archived` does not exist.
    archived_value: Option<Value>,
    head: Head,
}

/// Archives every commit that the log holds when the pass begins. `noted`: the lineage that an
/// earlier pass found, or made, the one that objects name as the current one.
pub async fn run_once(
    store: &Store,
    fence: &Fence,
    noted: &mut Option<Uuid>,
) -> Result<(), StoreError> {
    let inner = &store.inner;
    let Some(mut work) = read_unarchived(store).await? else { return Ok(()) };
    let until = work.head.position;
    while work.archived.position < until {
        if !is_named(store, &work.head, noted).await? {
            return Ok(());
        }
        let (commits, place) = next_commits(store, &work.archived).await?;
        let (Some(last), Some(place)) = (commits.last(), place) else { return Ok(()) };
        let reached = ArchivedRecord::at(&last.head());
        let segment = Segment { lineage: work.archived.lineage, commits };
        let span = segment.span().expect("it has a last commit");
        inner.env.point("archive.before_put").await?;
        let key = inner.object_keys.segment(segment.lineage, span);
        inner.objects.put(&key, segment.encode()).await?;
        inner.env.point("archive.after_put").await?;
        let key = inner.keys.archived();
        let value: Value = encode(&reached).into();
        let publish = Txn::default()
            .when(fence.compare())
            .when(Compare::unchanged(key.clone(), work.archived_value.clone()))
            // If the store was set back meanwhile, the key may hold another commit, or none.
            .when(Compare::unchanged(place.key, Some(place.value)))
            .then(Op::put(key, value.clone()));
        if !inner.coord.txn(publish).await?.succeeded {
            return Err(StoreError::Fenced);
        }
        inner.env.point("archive.after_publish").await?;
        inner.stats.segments();
        work.archived = reached;
        work.archived_value = Some(value);
    }
    Ok(())
}

/// `None`: the store has no log.
async fn read_unarchived(store: &Store) -> Result<Option<Unarchived>, StoreError> {
    let inner = &store.inner;
    let read = Txn::default().then(Op::get(inner.keys.head())).then(Op::get(inner.keys.archived()));
    let answer = inner.coord.txn(read).await?;
    let found = |at: usize| answer.results.get(at).and_then(OpResult::first);
    let Some(head) = found(0) else { return Ok(None) };
    let head: Head = decode(&head.key, &head.value)?;
    let archived = found(1);
    let record = match archived {
        Some(kv) => decode(&kv.key, &kv.value)?,
        // The key is missing only after a first boot.
        None => {
            let lineage = head.lineage;
            ArchivedRecord { lineage, position: 0, commit: lineage }
        }
    };
    if record.lineage != head.lineage {
        let text = "`archived` is of another lineage than `head`".to_owned();
        return Err(StoreError::BrokenLog(text));
    }
    let archived_value = archived.map(|kv| kv.value.clone());
    Ok(Some(Unarchived { archived: record, archived_value, head }))
}

/// The commits after `archived`, up to the size of a segment, and the key of the last one.
async fn next_commits(
    store: &Store,
    archived: &ArchivedRecord,
) -> Result<(Vec<Commit>, Option<KeyValue>), StoreError> {
    let inner = &store.inner;
    let (mut commits, mut last, mut bytes) = (Vec::new(), None, 0);
    let mut head = archived.head();
    loop {
        let range = inner.keys.commits_after(head.position);
        let page = inner.coord.range(RangeRequest::new(range).limit(PAGE)).await?;
        for found in page.kvs {
            let commit: Commit = decode(&found.key, &found.value)?;
            if !commit.follows(&head) {
                // The next commit switches to another lineage, which a later pass archives.
                return Ok((commits, last));
            }
            head = commit.head();
            bytes += found.value.len();
            commits.push(commit);
            last = Some(found);
            if bytes >= SEGMENT_BYTES {
                return Ok((commits, last));
            }
        }
        if !page.more {
            return Ok((commits, last));
        }
    }
}

/// Whether objects name the lineage of `head` as the current one; notes it if they do not. A
/// recovery would not find segments of a lineage that objects do not name.
///
/// Halts the store if another coordination store has taken over these objects: one that found them
/// without a log of its own and began a lineage after ours.
async fn is_named(
    store: &Store,
    head: &Head,
    noted: &mut Option<Uuid>,
) -> Result<bool, StoreError> {
    let inner = &store.inner;
    let (objects, keys) = (&inner.objects, &inner.object_keys);
    let current = match objects.get_envelope::<CurrentLineage>(&keys.current()).await {
        Ok(current) => Some(current.lineage),
        Err(ObjectError::NotExist(_)) => None,
        // It is written again below, unless another coordination store has taken over.
        Err(ObjectError::Damaged(_)) => {
            notes::newest(objects, keys).await?.filter(|noted| *noted != head.lineage)
        }
        Err(error) => return Err(error.into()),
    };
    let ours = Some(head.lineage);
    if current == ours && *noted == ours {
        return Ok(true);
    }
    if let Some(current) = current.filter(|current| *current != head.lineage) {
        let ours: LineageRecord = objects.get_envelope(&keys.lineage(head.lineage)).await?;
        let theirs: LineageRecord = objects.get_envelope(&keys.lineage(current)).await?;
        let later = Note::of(&theirs) > Note::of(&ours);
        if later && theirs.identity != ours.identity {
            inner.halt(format!(
                "object storage is in use by another coordination store: lineage `{current}` was \
                 begun there after `{}`, which is in force here",
                head.lineage
            ));
            return Err(StoreError::Closed);
        }
        if later {
            // A switch came after `head` was read, or the store was set back to before a switch.
            return Ok(false);
        }
    }
    // The instance that began the lineage could not note it, or an earlier lineage's note came
    // late.
    notes::note(objects, keys, head.lineage).await?;
    *noted = ours;
    Ok(true)
}
