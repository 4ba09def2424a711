//! Applies commits from the coordination store to the read model, in order.
//!
//! Invariants: every commit's position and predecessor are checked against the last applied commit.
//! A gap, a compaction or another lineage leads to a new load, never to a skip; during a load the
//! store is not ready. The committer applies this instance's own commits unless the feed does
//! first.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::load::load;
use super::parts::Inner;
use super::state::Applied;
use crate::coord::{
    Coordination, CoordinationExt, Error as CoordError, EventKind, KeyValue, RangeRequest,
    Revision, WatchBatch, WatchRequest, WatchStream,
};
use crate::error::{Chain, FailureClass};
use crate::log::format::{Body, Commit, Head, decode};
use crate::read_model::{StoreError, VersionError};
use crate::retry::Backoff;

pub(super) struct Feed {
    inner: Arc<Inner>,
}

/// A commit, and when it was written to the coordination store.
type Found = (Arc<Commit>, Revision);

/// Why the read model must be loaded anew.
#[derive(Debug, thiserror::Error)]
enum Reload {
    #[error("the log was trimmed or compacted before it was read")]
    Compacted,
    #[error("commit `{}` does not follow commit `{}`", found.position, applied.position)]
    Gap { applied: Head, found: Head },
    #[error("`head` does not exist any more")]
    HeadLost,
    #[error("`head` went back from `{}` to `{}`", applied.position, found.position)]
    SetBack { applied: Head, found: Head },
    #[error("`head` was written at revision `{applied}`, and now is said to be of `{found}`")]
    OtherStore { applied: Revision, found: Revision },
    #[error("objects hold other commits than the log")]
    SetBackFound,
    #[error("another lineage is the current one")]
    Switched,
    #[error("a commit cannot be applied")]
    Failed(#[source] StoreError),
}

/// The watch of the log.
struct Following {
    /// The revision from which the next watch begins.
    next: Revision,
    watch: Option<WatchStream>,
    /// Whether the watch before it broke.
    broken: bool,
}

/// After how long a watch that delivers nothing is checked by reading the log.
const IDLE_CHECK: Duration = Duration::from_secs(5);
/// Commits read at a time when the feed is late.
const CATCH_UP_PAGE: usize = 256;

impl Feed {
    pub(super) fn new(inner: Arc<Inner>) -> Feed {
        Feed { inner }
    }

    pub(super) async fn run(self) {
        let mut backoff = Backoff::new(&self.inner.env, "feed-load");
        loop {
            let known = self.inner.begin_load().await;
            match load(&self.inner, known).await {
                Ok(loaded) => {
                    backoff.reset();
                    self.inner.too_old.send_replace(None);
                    self.inner.stats.loads();
                    let next = loaded.revision + 1;
                    self.inner.install(loaded).await;
                    self.inner.note_model_full(false);
                    let reason = self.follow(next).await;
                    self.inner.stats.feed_gaps();
                    tracing::warn!(reason = %Chain(&reason), "the read model is loaded anew");
                }
                Err(error @ (StoreError::Foreign { .. } | StoreError::OtherObjects { .. })) => {
                    self.inner.halt(error.to_string());
                    return;
                }
                Err(error) => {
                    let newer = matches!(error, StoreError::Version(VersionError::Newer { .. }));
                    self.inner.too_old.send_replace(newer.then(|| error.to_string()));
                    self.inner.note_model_full(error.class() == FailureClass::ReadModelFull);
                    tracing::warn!(error = %Chain(&error), "the read model cannot be loaded");
                    backoff.pause().await;
                }
            }
        }
    }

    /// Applies commits until the read model must be loaded anew; answers why.
    async fn follow(&self, next: Revision) -> Reload {
        let mut following = Following { next, watch: None, broken: false };
        let mut backoff = Backoff::new(&self.inner.env, "feed-watch");
        loop {
            let done = match following.watch.take() {
                None => self.start_watch(&mut following, &mut backoff).await,
                Some(watch) => self.next_batch(watch, &mut following, &mut backoff).await,
            };
            if let Err(reload) = done {
                return reload;
            }
        }
    }

    async fn start_watch(
        &self,
        following: &mut Following,
        backoff: &mut Backoff,
    ) -> Result<(), Reload> {
        let request = WatchRequest::new(self.inner.keys.commits()).from(following.next);
        match self.inner.coord.watch(request).await {
            Ok(watch) => {
                following.watch = Some(watch);
                // On another coordination store, which is behind `next`, the new watch would only
                // be silent: the log itself is read.
                if std::mem::take(&mut following.broken) {
                    self.read_log().await?;
                }
            }
            Err(CoordError::Compacted { .. }) => return Err(Reload::Compacted),
            Err(error) => {
                tracing::debug!(%error, "the log cannot be watched");
                backoff.pause().await;
            }
        }
        Ok(())
    }

    async fn next_batch(
        &self,
        mut watch: WatchStream,
        following: &mut Following,
        backoff: &mut Backoff,
    ) -> Result<(), Reload> {
        tokio::select! {
            biased;
            batch = watch.next() => match batch {
                Some(Ok(batch)) => {
                    backoff.reset();
                    let last = batch.events.last().map_or(0, |event| event.kv.mod_revision);
                    self.take(self.commits_of(&batch)?).await?;
                    following.next = following.next.max(last + 1);
                }
                Some(Err(CoordError::Compacted { .. })) => return Err(Reload::Compacted),
                Some(Err(_)) | None => {
                    following.broken = true;
                    self.inner.stats.watch_breaks();
                    backoff.pause().await;
                    return Ok(());
                }
            },
            () = self.inner.set_back_found.notified() => return Err(Reload::SetBackFound),
            () = self.inner.feed_wakeup.notified() => {
                // The watch may be dead without an error: read the log, and watch anew.
                self.inner.stats.catch_ups();
                self.read_log().await?;
                return Ok(());
            }
            () = tokio::time::sleep(IDLE_CHECK) => {
                let before = *self.inner.applied.borrow();
                let read_at = self.read_log().await?;
                // The history up to there need not be kept for this instance.
                following.next = following.next.max(read_at + 1);
                if *self.inner.applied.borrow() != before {
                    self.inner.stats.catch_ups();
                    return Ok(());
                }
            }
        }
        following.watch = Some(watch);
        Ok(())
    }

    /// Reads and applies the commits that the watch has not delivered. Answers the revision up to
    /// which every commit is applied; 0 if the coordination store does not answer.
    async fn read_log(&self) -> Result<Revision, Reload> {
        // Read before `head`: this instance may apply more commits meanwhile.
        let Applied { head: applied, revision, .. } = *self.inner.applied.borrow();
        let applied = applied.ok_or(Reload::Switched)?;
        let (found, read_at) = match self.inner.coord.get(self.inner.keys.head()).await {
            Ok((Some(found), read_at)) => (found, read_at),
            Ok((None, _)) => return Err(Reload::HeadLost),
            Err(_) => return Ok(0),
        };
        let head: Head = decode(&found.key, &found.value)
            .map_err(|error| Reload::Failed(StoreError::Format(error)))?;
        let other = head.position == applied.position && head.commit != applied.commit;
        if head.position < applied.position || other {
            return Err(Reload::SetBack { applied, found: head });
        }
        if head == applied && found.mod_revision != revision {
            // Another store with the same contents: it would refuse every proposal, whose revision
            // is of the first one.
            return Err(Reload::OtherStore { applied: revision, found: found.mod_revision });
        }
        loop {
            let position = self.inner.applied.borrow().position().unwrap_or(0);
            let range = self.inner.keys.commits_after(position);
            let request = RangeRequest::new(range).limit(CATCH_UP_PAGE);
            let Ok(found) = self.inner.coord.range(request).await else {
                return Ok(0);
            };
            let commits =
                found.kvs.iter().map(|found| self.commit_of(found)).collect::<Result<_, _>>()?;
            self.take(commits).await?;
            if !found.more {
                break;
            }
        }
        let applied = self.inner.applied.borrow().position().unwrap_or(0);
        if applied < head.position { Err(Reload::Compacted) } else { Ok(read_at) }
    }

    /// Applies commits, as soon as the objects that they refer to can be read, and the read model's
    /// disk has room. Until then the read model stays as it is: nothing is wrong with it, and a
    /// load would need more objects, and more room.
    async fn take(&self, commits: Vec<Found>) -> Result<(), Reload> {
        let mut backoff = Backoff::new(&self.inner.env, "feed-objects");
        let mut waits = false;
        loop {
            match self.try_take(commits.clone()).await {
                Err(Reload::Failed(error)) if error.class().is_transient() => {
                    if !std::mem::replace(&mut waits, true) {
                        let error = Chain(&error);
                        tracing::warn!(%error, "a commit waits for its object");
                    }
                    backoff.pause().await;
                }
                Err(Reload::Failed(error)) if error.class() == FailureClass::ReadModelFull => {
                    self.inner.note_model_full(true);
                    backoff.pause().await;
                }
                done => {
                    self.inner.note_model_full(false);
                    return done;
                }
            }
        }
    }

    /// Applies the commits that follow the read model; older ones are applied already.
    async fn try_take(&self, commits: Vec<Found>) -> Result<(), Reload> {
        let _lock = self.inner.model_lock.lock().await;
        let applied = self.inner.applied.borrow().head.ok_or(Reload::Switched)?;
        let mut head = applied;
        let mut next = Vec::new();
        for (commit, at) in commits {
            if commit.position <= applied.position && commit.lineage == applied.lineage {
                continue;
            }
            if matches!(commit.body, Body::Switch { .. }) {
                return Err(Reload::Switched);
            }
            if !commit.follows(&head) {
                return Err(Reload::Gap { applied: head, found: commit.head() });
            }
            head = commit.head();
            next.push((commit, at));
        }
        self.inner.apply(next).await.map_err(Reload::Failed)
    }

    fn commits_of(&self, batch: &WatchBatch) -> Result<Vec<Found>, Reload> {
        let puts = batch.events.iter().filter(|event| event.kind == EventKind::Put);
        puts.map(|event| self.commit_of(&event.kv)).collect()
    }

    fn commit_of(&self, found: &KeyValue) -> Result<Found, Reload> {
        if let Some(own) = self.inner.proposed.encoded_as(&found.value) {
            return Ok((own, found.mod_revision));
        }
        let commit: Commit = decode(&found.key, &found.value)
            .map_err(|error| Reload::Failed(StoreError::Format(error)))?;
        Ok((Arc::new(commit), found.mod_revision))
    }
}
