//! Linearizable reads: one read of `head`, shared by all reads that wait for it, then the read
//! model.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::parts::{Inner, Store};
use super::space::model_full;
use super::state::Phase;
use crate::context::Context;
use crate::coord::CoordinationExt;
use crate::db::{DbError, Snapshot, Tx};
use crate::error::BoxError;
use crate::log::commit::CommitError;
use crate::log::format::{Head, decode};
use crate::read_model::error::{StoreError, translate};

/// How new a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reads {
    /// At least as new as everything that any instance answered before the read began.
    #[default]
    Linearizable,
    /// The state of this instance's read model, however old.
    Local,
}

/// How the wait for a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Reached {
    Applied,
    /// The commit will not come: the coordination store was lost or set back meanwhile.
    Gone,
    /// The read model has no room for it, or for one before it.
    ModelFull,
}

pub(super) type HeadWaiter = oneshot::Sender<Result<Head, Arc<StoreError>>>;

/// Reads `head` for all that wait. A waiter that comes while a read is under way waits for the next
/// one: the present one may have been answered before the waiter came.
pub(super) struct HeadReader {
    inner: Arc<Inner>,
    waiters: mpsc::Receiver<HeadWaiter>,
}

/// Waiters answered by one read of `head` at most.
const WAITERS_MAX: usize = 4096;

impl HeadReader {
    pub(super) fn new(inner: Arc<Inner>, waiters: mpsc::Receiver<HeadWaiter>) -> HeadReader {
        HeadReader { inner, waiters }
    }

    pub(super) async fn run(mut self) {
        let mut waiting = Vec::new();
        while self.waiters.recv_many(&mut waiting, WAITERS_MAX).await > 0 {
            self.inner.stats.head_reads();
            let head = read_head(&self.inner).await.map_err(Arc::new);
            for (nth, waiter) in waiting.drain(..).enumerate() {
                if nth > 0 {
                    self.inner.stats.head_reads_shared();
                }
                // The reader may have given up; then the answer is dropped.
                let _ = waiter.send(head.clone());
            }
        }
    }
}

async fn read_head(inner: &Inner) -> Result<Head, StoreError> {
    let applied = inner.applied.borrow().head;
    let (found, _) = inner.coord.get(inner.keys.head()).await?;
    let Some(found) = found else {
        inner.feed_wakeup.notify_one();
        return Err(StoreError::NotReady);
    };
    let head: Head = decode(&found.key, &found.value)?;
    // `head` was read after `applied`, so it can only be behind if the coordination store was set
    // back, or lost and recovered: then this instance has applied commits that the log lost.
    if applied.is_some_and(|applied| head.position < applied.position) {
        inner.feed_wakeup.notify_one();
        return Err(StoreError::NotReady);
    }
    Ok(head)
}

impl Inner {
    /// `head` as it is at some moment after this call.
    pub(super) async fn current_head(&self) -> Result<Head, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.head_waiters.send(answer).await.map_err(|_| StoreError::Closed)?;
        let found = answered.await.map_err(|_dropped| StoreError::Closed)?;
        found.map_err(|shared| shared.duplicate())
    }

    /// Waits until the read model holds `head` or a later commit; wakes the feed if that takes
    /// long.
    pub(crate) async fn wait_applied(&self, head: &Head) -> Reached {
        let patience = Duration::from_millis(self.settings.feed_patience_ms);
        let mut applied = self.applied.subscribe();
        let mut full = self.model_full.subscribe();
        let before = applied.borrow().head.map(|head| head.lineage);
        loop {
            let now = *applied.borrow_and_update();
            if now.covers(head) {
                return Reached::Applied;
            }
            if *full.borrow_and_update() {
                return Reached::ModelFull;
            }
            let lineage = now.head.map(|head| head.lineage);
            if now.phase == Phase::Ready && lineage != before && lineage != Some(head.lineage) {
                return Reached::Gone;
            }
            tokio::select! {
                // `self` holds the senders, so the channels cannot close.
                _ = applied.changed() => {}
                _ = full.changed() => {}
                () = tokio::time::sleep(patience) => {
                    self.feed_wakeup.notify_one();
                    if self.head_went_back(head).await {
                        return Reached::Gone;
                    }
                }
            }
        }
    }

    /// Whether the log ends before `head`, in the same lineage.
    async fn head_went_back(&self, head: &Head) -> bool {
        let Ok((Some(found), _)) = self.coord.get(self.keys.head()).await else { return false };
        let now: Result<Head, _> = decode(&found.key, &found.value);
        now.is_ok_and(|now| {
            now.lineage == head.lineage && now != *head && now.position <= head.position
        })
    }
}

impl Store {
    /// Runs `work` on one consistent state of the read model.
    pub async fn read<T: Send + 'static>(
        &self,
        ctx: &Context,
        reads: Reads,
        work: impl FnOnce(&Tx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        self.reach(ctx, reads).await?;
        let db = self.inner.db().map_err(StoreError::boxed)?;
        let done: Result<_, DbError> = db.read(ctx, move |tx| Ok(work(tx))).await;
        done.map_err(|error| StoreError::Db(error).boxed())?.map_err(translate)
    }

    /// One consistent state of the read model, for many reads.
    pub(crate) async fn snapshot(&self, ctx: &Context, reads: Reads) -> Result<Snapshot, BoxError> {
        self.reach(ctx, reads).await?;
        let db = self.inner.db().map_err(StoreError::boxed)?;
        db.snapshot(ctx).await.map_err(|error| StoreError::Db(error).boxed())
    }

    /// Waits until this instance's read model has applied `state`, the head that another instance
    /// had applied. Without one it waits for the newest head in the coordination store.
    ///
    /// # Errors
    /// Also if the read model of this instance is being loaded, or cannot get there any more.
    pub async fn catch_up(&self, ctx: &Context, state: Option<Head>) -> Result<(), BoxError> {
        let Some(head) = state else { return self.reach(ctx, Reads::Linearizable).await };
        let reached = ctx.run(self.inner.wait_applied(&head)).await;
        match reached.map_err(|why| StoreError::Interrupted(why).boxed())? {
            Reached::Applied => Ok(()),
            Reached::ModelFull => Err(model_full().boxed()),
            Reached::Gone => {
                let Head { commit: id, position, .. } = head;
                Err(StoreError::Commit(CommitError::Lost { id, position }).boxed())
            }
        }
    }

    async fn reach(&self, ctx: &Context, reads: Reads) -> Result<(), BoxError> {
        if reads == Reads::Local {
            return Ok(());
        }
        let reached = async {
            // Checked first: while the model is loading there is no commit to wait for.
            self.inner.check_model().map_err(StoreError::boxed)?;
            self.inner.db().map_err(StoreError::boxed)?;
            loop {
                let head = self.inner.current_head().await.map_err(StoreError::boxed)?;
                match self.inner.wait_applied(&head).await {
                    Reached::Applied => return Ok(()),
                    Reached::Gone => {}
                    Reached::ModelFull => return Err(model_full().boxed()),
                }
            }
        };
        ctx.run(reached).await.map_err(|why| StoreError::Interrupted(why).boxed())?
    }
}
