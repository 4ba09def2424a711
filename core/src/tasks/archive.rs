//! Archives commits as segments.
//!
//! Invariants: `archived` moves only in a transaction that compares the fence, the old value and
//! the log's entry that it is moved to, and only after the segment is stored and no higher ballot
//! was announced by then (see [`Tenure`]); it moves forwards. The log is read after `archived`:
//! nothing between the two is missed.

use crate::coord::lock::Fence;
use crate::coord::{Compare, Coordination, KeyValue, Op, OpResult, RangeRequest, Txn, Value};
use crate::lineage::tenure::Tenure;
use crate::log::format::{ArchivedRecord, Commit, Head, decode, encode};
use crate::log::segment::Segment;
use crate::read_model::StoreError;
use crate::store::{Inner, Store};

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

/// Knowledge that a pass leaves to the next one.
pub type Memory = Option<Tenure>;

/// Archives everything that is committed when it begins.
pub async fn run_once(store: &Store, fence: &Fence, memory: &mut Memory) -> Result<(), StoreError> {
    let inner = &store.inner;
    let Some(work) = read_unarchived(inner).await? else { return Ok(()) };
    let begins = work.archived_value.is_some() && !work.archived.is_published();
    if !begins && work.archived.position >= work.head.position {
        return Ok(());
    }
    // Whoever fails gives its ballot up: what it stored last may be there, or may come yet.
    let kept = memory.take().filter(|tenure| tenure.lineage == work.head.lineage);
    let begun = match kept {
        Some(tenure) => Ok(tenure),
        None => Tenure::begin(inner).await,
    };
    let done = match begun {
        Ok(tenure) => go_on(inner, fence, tenure, work).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(tenure) => {
            *memory = Some(tenure);
            Ok(())
        }
        Err(StoreError::Foreign { ours, theirs }) => {
            inner.halt(format!(
                "object storage is in use by another coordination store: lineage `{theirs}` was \
                 begun there, `{ours}` is in force here"
            ));
            Err(StoreError::Closed)
        }
        Err(error @ StoreError::SetBack) => {
            inner.set_back_found.notify_one();
            Err(error)
        }
        Err(error) => Err(error),
    }
}

async fn go_on(
    inner: &Inner,
    fence: &Fence,
    mut tenure: Tenure,
    mut work: Unarchived,
) -> Result<Tenure, StoreError> {
    if work.head.lineage != tenure.lineage {
        // A switch since the look at `head`.
        return Err(StoreError::Fenced);
    }
    if work.archived_value.is_some() && !work.archived.is_published() {
        work.publish(inner, fence, tenure.first, None).await?;
    }
    let until = work.head.position;
    while work.archived.position < until {
        let (commits, place) = next_commits(inner, &work.archived, &tenure.end).await?;
        let (Some(last), Some(place)) = (commits.last(), place) else { break };
        let reached = last.head();
        let segment = Segment { lineage: tenure.lineage, commits };
        let span = segment.span(tenure.ballot).expect("it has a last commit");
        inner.env.point("archive.before_put").await?;
        if reached.position > tenure.end.position {
            tenure.end = reached;
        }
        let key = inner.object_keys.segment(segment.lineage, span);
        inner.objects.put(&key, segment.encode()).await?;
        inner.env.point("archive.after_put").await?;
        tenure.check(inner).await?;
        inner.env.point("archive.checked").await?;
        work.publish(inner, fence, reached, Some(place)).await?;
        inner.stats.segments();
    }
    Ok(tenure)
}

impl Unarchived {
    /// Says that the log is archived up to `reached`, which stands at `place`.
    async fn publish(
        &mut self,
        inner: &Inner,
        fence: &Fence,
        reached: Head,
        place: Option<KeyValue>,
    ) -> Result<(), StoreError> {
        let key = inner.keys.archived();
        let record = ArchivedRecord::at(&reached);
        let value: Value = encode(&record).into();
        let mut publish = Txn::default()
            .when(fence.compare())
            .when(Compare::unchanged(key.clone(), self.archived_value.clone()))
            .then(Op::put(key, value.clone()));
        if let Some(place) = place {
            // In a store that was set back meanwhile another commit may be there, or none.
            publish = publish.when(Compare::unchanged(place.key, Some(place.value)));
        }
        if !inner.coord.txn(publish).await?.succeeded {
            return Err(StoreError::Fenced);
        }
        inner.env.point("archive.after_publish").await?;
        self.archived = record;
        self.archived_value = Some(value);
        Ok(())
    }
}

/// `None`: the store has no log.
async fn read_unarchived(inner: &Inner) -> Result<Option<Unarchived>, StoreError> {
    let read = Txn::default().then(Op::get(inner.keys.head())).then(Op::get(inner.keys.archived()));
    let answer = inner.coord.txn(read).await?;
    let found = |at: usize| answer.results.get(at).and_then(OpResult::first);
    let Some(head) = found(0) else { return Ok(None) };
    let head: Head = decode(&head.key, &head.value)?;
    let archived = found(1);
    let record = match archived {
        Some(kv) => decode(&kv.key, &kv.value)?,
        // The key is missing only after a first boot.
        None => ArchivedRecord::begins(head.lineage, 0),
    };
    if record.lineage != head.lineage {
        let text = "`archived` is of another lineage than `head`".to_owned();
        return Err(StoreError::BrokenLog(text));
    }
    let archived_value = archived.map(|kv| kv.value.clone());
    Ok(Some(Unarchived { archived: record, archived_value, head }))
}

/// The commits after `archived`, up to a segment's size, and the place of the last one. They hold
/// `end`, the end of what this archiver has stored, or go on from it: else the log took another
/// course.
async fn next_commits(
    inner: &Inner,
    archived: &ArchivedRecord,
    end: &Head,
) -> Result<(Vec<Commit>, Option<KeyValue>), StoreError> {
    if archived.position >= end.position && archived.head() != *end {
        // Somebody else has published more.
        return Err(StoreError::Fenced);
    }
    let (mut commits, mut last, mut bytes) = (Vec::new(), None, 0);
    let mut head = archived.head();
    'pages: loop {
        let range = inner.keys.commits_after(head.position);
        let page = inner.coord.range(RangeRequest::new(range).limit(PAGE)).await?;
        for found in page.kvs {
            let commit: Commit = decode(&found.key, &found.value)?;
            if !commit.follows(&head) {
                // A switch to another lineage, which archives anew.
                break 'pages;
            }
            head = commit.head();
            if head.position == end.position && head != *end {
                return Err(StoreError::SetBack);
            }
            bytes += found.value.len();
            commits.push(commit);
            last = Some(found);
            if bytes >= SEGMENT_BYTES && head.position >= end.position {
                break 'pages;
            }
        }
        if !page.more {
            break;
        }
    }
    if head.position < end.position { Err(StoreError::SetBack) } else { Ok((commits, last)) }
}
