//! Follows the key `archived`. Writes with `durability = "archived"` wait for it, and it bounds the
//! part of the log that only the coordination store holds.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::parts::Inner;
use crate::coord::{Coordination, CoordinationExt, KeyRange, KeyValue, WatchRequest, WatchStream};
use crate::log::format::{ArchivedRecord, Head, decode};
use crate::read_model::StoreError;
use crate::retry::Backoff;

/// How often the key is read although its watch delivers nothing.
const IDLE_CHECK: Duration = Duration::from_secs(5);

/// Why the follower stopped listening to a watch.
#[derive(PartialEq, Eq)]
enum Ended {
    Broken,
    Quiet,
}

pub(super) struct ArchivedFollower {
    inner: Arc<Inner>,
}

impl ArchivedFollower {
    pub(super) fn new(inner: Arc<Inner>) -> ArchivedFollower {
        ArchivedFollower { inner }
    }

    pub(super) async fn run(self) {
        let mut backoff = Backoff::new(&self.inner.env, "archived-watch");
        loop {
            match self.read_and_watch().await {
                Ok(watch) => {
                    if self.follow(watch).await == Ended::Quiet {
                        backoff.reset();
                    } else {
                        backoff.pause().await;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "`archived` cannot be read");
                    backoff.pause().await;
                }
            }
        }
    }

    async fn read_and_watch(&self) -> Result<WatchStream, StoreError> {
        let key = self.inner.keys.archived();
        let (found, revision) = self.inner.coord.get(key.clone()).await?;
        if let Some(found) = found {
            self.note(&found)?;
        }
        let request = WatchRequest::new(KeyRange::single(key)).from(revision + 1);
        Ok(self.inner.coord.watch(request).await?)
    }

    async fn follow(&self, mut watch: WatchStream) -> Ended {
        loop {
            let batch = match tokio::time::timeout(IDLE_CHECK, watch.next()).await {
                Ok(Some(Ok(batch))) => batch,
                Ok(Some(Err(_)) | None) => return Ended::Broken,
                Err(_elapsed) => return Ended::Quiet,
            };
            for event in &batch.events {
                if let Err(error) = self.note(&event.kv) {
                    tracing::error!(%error, "`archived` is not readable");
                }
            }
        }
    }

    fn note(&self, found: &KeyValue) -> Result<(), StoreError> {
        if !found.value.is_empty() {
            let record: ArchivedRecord = decode(&found.key, &found.value)?;
            self.inner.archived.send_replace(Some(record));
        }
        Ok(())
    }
}

impl Inner {
    /// Refuses a write while too many commits are not archived: the log in the coordination store
    /// stays bounded even if object storage is down. Writes resume once the archiver catches up.
    pub(super) fn check_unarchived(&self, head: &Head) -> Result<(), StoreError> {
        let archived = self.archived.borrow().map_or(0, |archived| archived.position);
        let waiting = head.position.saturating_sub(archived);
        if waiting < self.settings.unarchived_commits {
            return Ok(());
        }
        Err(StoreError::StorageUnavailable(format!("`{waiting}` commits wait to be archived")))
    }

    /// Waits until the log is archived up to `commit`, or another lineage is the current one.
    pub(super) async fn wait_archived(&self, commit: &Head) -> Result<(), StoreError> {
        let mut archived = self.archived.subscribe();
        let done = |record: &Option<ArchivedRecord>| {
            record.is_some_and(|record| {
                record.position >= commit.position || record.lineage != commit.lineage
            })
        };
        // `self` holds the sender, so the channel cannot close.
        archived.wait_for(done).await.map(drop).map_err(|_closed| StoreError::Closed)
    }
}
