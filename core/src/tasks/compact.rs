//! Drops the coordination store's history, so that it stays bounded, and gives its space back.
//!
//! Invariants: what a live instance still has to watch is kept, unless that instance is too far
//! behind or space is short; then it loads its read model anew. The evidence is read in one
//! transaction that compares the fence. A holder that stalled after that compacts up to a revision
//! that its successor has passed, which changes nothing.
//!
//! Compaction cuts the history of the whole coordination store, whoever uses it. Where other
//! systems share the store, the setting `compact = false` leaves compaction to its operator. This
//! task knows the needs of one service's instances; the watches of other keys begin with a read.

use std::collections::VecDeque;
use std::time::Duration;

use rand::RngExt;
use tokio_util::sync::CancellationToken;

use crate::coord::lock::Fence;
use crate::coord::{
    Coordination, CoordinationExt, Error as CoordError, KeyValue, Op, OpResult, RangeRequest,
    Revision, Txn,
};
use crate::error::{Chain, FailureClass};
use crate::log::format::{Head, InstanceRecord, InstanceState, Mode, Position, decode};
use crate::read_model::StoreError;
use crate::store::{Inner, Shortage, Store};

/// After this time an instance that has applied every commit has also noticed that there are no
/// others, and continues from there: several checks of an idle feed.
const NOTICED_AFTER: Duration = Duration::from_secs(20);
/// The least time between two marks, and the number that is remembered.
const MARK_EVERY: Duration = Duration::from_secs(5);
const MARKS: usize = 16;
/// How often room is made and looked at, and the pause between.
const ROOM_ROUNDS: u32 = 10;
const ROOM_PAUSE: Duration = Duration::from_millis(300);

/// Knowledge that a pass leaves to the next one.
#[derive(Debug, Default)]
pub struct History {
    /// Earlier readings of `head`, oldest first.
    marks: VecDeque<Mark>,
    /// The last compaction.
    compacted: Revision,
}

/// At this time and revision this was the position of `head`.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Duration,
    revision: Revision,
    position: Position,
}

/// What a compaction goes by, all of one revision.
struct Evidence {
    revision: Revision,
    head: Position,
    /// The position that every loaded instance has applied.
    applied: Position,
    /// The revision from which instances that load may have to read.
    loading_since: Option<Revision>,
}

/// Compacts the history if there is much of it, and gives space back where that is worth it.
pub async fn run_once(
    store: &Store,
    fence: &Fence,
    history: &mut History,
) -> Result<(), StoreError> {
    let inner = &store.inner;
    let evidence = Evidence::read(inner, Some(fence)).await?;
    if let Some(evidence) = evidence {
        let until = history.until(inner, &evidence).await?;
        compact(inner, history, until).await?;
    }
    reclaim(inner).await
}

/// Drops all history that no instance needs to stay up to date, and gives its space back, if the
/// coordination store has no space left. Needs no lock, which could not be taken then. Answers
/// whether writes are possible again.
pub async fn make_room(store: &Store) -> Result<bool, StoreError> {
    let inner = &store.inner;
    if !inner.settings.tasks.compact {
        return Ok(false);
    }
    for _ in 0..ROOM_ROUNDS {
        if let Some(evidence) = Evidence::read(inner, None).await? {
            compact(inner, &mut History::default(), evidence.revision).await?;
        }
        reclaim(inner).await?;
        match inner.read_space().await? {
            Some(space) if space.is_full => tokio::time::sleep(ROOM_PAUSE).await,
            _ => return Ok(true),
        }
    }
    Ok(false)
}

/// Follows the space that the coordination store takes up, in every mode, until `stop`. In
/// maintenance, where no background task runs, this makes room.
pub async fn follow_space(store: Store, stop: CancellationToken) {
    let inner = &store.inner;
    let mut jitter = inner.env.rng("space");
    let period = Duration::from_millis(inner.settings.tasks.compact_period_ms);
    let following = async {
        loop {
            match inner.read_space().await {
                Ok(Some(space)) if space.is_full && is_in_maintenance(inner) => {
                    if let Err(error) = make_room(&store).await
                        && error.class() != FailureClass::CoordinationFull
                    {
                        tracing::warn!(error = %Chain(&error), "no room could be made");
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(error = %Chain(&error), "the space is not known"),
            }
            let pause = inner.sooner_when_short(period).mul_f64(jitter.random_range(0.5..=1.0));
            tokio::time::sleep(pause).await;
        }
    };
    stop.run_until_cancelled(following).await;
}

fn is_in_maintenance(inner: &Inner) -> bool {
    inner.mode.get().is_some_and(|mode| mode.mode == Mode::Maintenance)
}

impl History {
    /// The revision before which nothing is needed.
    async fn until(&mut self, inner: &Inner, evidence: &Evidence) -> Result<Revision, StoreError> {
        self.note(inner.env.monotonic(), evidence);
        let passed = self.passed(inner.env.monotonic(), evidence.applied);
        let applied_at = revision_of(inner, evidence.applied).await?;
        let needed = passed.max(applied_at).min(evidence.loading_since.unwrap_or(Revision::MAX));
        let Kept { at_least: kept, at_most: behind } = Kept::now(inner);
        Ok(needed.min(evidence.revision - kept).max(evidence.revision - behind))
    }

    fn note(&mut self, now: Duration, evidence: &Evidence) {
        let last = self.marks.back().copied();
        if last.is_some_and(|last| last.revision > evidence.revision) {
            // The coordination store was set back.
            *self = History::default();
        }
        if last.is_some_and(|last| now - last.at < MARK_EVERY) {
            return;
        }
        let Evidence { revision, head: position, .. } = *evidence;
        self.marks.push_back(Mark { at: now, revision, position });
        if self.marks.len() > MARKS {
            self.marks.pop_front();
        }
    }

    /// The newest revision that instances have passed which have applied a position.
    fn passed(&self, now: Duration, applied: Position) -> Revision {
        let passed = |mark: &&Mark| mark.position <= applied && now - mark.at >= NOTICED_AFTER;
        self.marks.iter().rev().find(passed).map_or(0, |mark| mark.revision)
    }
}

/// Revisions of history that are kept.
struct Kept {
    /// Whether or not somebody needs them.
    at_least: Revision,
    /// For an instance that is behind.
    at_most: Revision,
}

impl Kept {
    /// The shorter the space is, the fewer: a revision may be as large as a request.
    fn now(inner: &Inner) -> Kept {
        let tasks = &inner.settings.tasks;
        let history = revisions(tasks.history_revisions);
        let behind = revisions(tasks.behind_revisions).max(history);
        match inner.shortage() {
            Shortage::None => Kept { at_least: history, at_most: behind },
            Shortage::Some => Kept { at_least: 0, at_most: history },
            Shortage::Reserve => Kept { at_least: 0, at_most: 0 },
        }
    }
}

impl Evidence {
    /// `None`: the store has no log.
    async fn read(inner: &Inner, fence: Option<&Fence>) -> Result<Option<Evidence>, StoreError> {
        let mut read = Txn::default()
            .then(Op::get(inner.keys.head()))
            .then(Op::Range(RangeRequest::new(inner.keys.instances())));
        read.compares.extend(fence.map(Fence::compare));
        let answer = inner.coord.txn(read).await?;
        if !answer.succeeded {
            return Err(StoreError::Fenced);
        }
        let Some(head) = answer.results.first().and_then(OpResult::first) else { return Ok(None) };
        let head: Head = decode(&head.key, &head.value)?;
        let instances: &[KeyValue] = match answer.results.get(1) {
            Some(OpResult::Range(range)) => &range.kvs,
            _ => &[],
        };
        let (mut applied, mut loading_since) = (head.position, None::<Revision>);
        for found in instances {
            let instance: InstanceRecord = decode(&found.key, &found.value)?;
            match instance.position.filter(|_| instance.state != InstanceState::Loading) {
                Some(position) => applied = applied.min(position),
                None => {
                    let since = loading_since.unwrap_or(Revision::MAX);
                    loading_since = Some(since.min(found.create_revision));
                }
            }
        }
        let (revision, head) = (answer.revision, head.position);
        Ok(Some(Evidence { revision, head, applied, loading_since }))
    }
}

/// The revision of a commit; 0 if the coordination store does not hold it any more.
async fn revision_of(inner: &Inner, position: Position) -> Result<Revision, StoreError> {
    let found = inner.coord.get(inner.keys.commit(position)).await?.0;
    Ok(found.map_or(0, |found| found.mod_revision))
}

async fn compact(inner: &Inner, history: &mut History, until: Revision) -> Result<(), StoreError> {
    let step = Kept::now(inner).at_least.max(1);
    if until < history.compacted + step {
        return Ok(());
    }
    match inner.coord.compact(until).await {
        Ok(()) => inner.stats.compactions(),
        // Somebody else has compacted more, or the coordination store was set back meanwhile.
        Err(CoordError::Compacted { .. } | CoordError::FutureRevision { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    history.compacted = until;
    Ok(())
}

async fn reclaim(inner: &Inner) -> Result<(), StoreError> {
    if inner.read_space().await?.is_some_and(|space| space.is_worth_reclaiming()) {
        inner.coord.reclaim().await?;
        inner.stats.reclaims();
    }
    Ok(())
}

fn revisions(count: u64) -> Revision {
    Revision::try_from(count).unwrap_or(Revision::MAX)
}
