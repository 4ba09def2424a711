//! A state machine that many tasks share, and its watches.
//!
//! Changes are made first and published later: a durable store makes them, writes them to disk,
//! then publishes them. Readers and watchers see published revisions only.
//!
//! A watch keeps a position, not a queue: it reads the log from there when it is polled, so a slow
//! watcher costs nothing. A watcher that falls behind a compaction ends with [`Error::Compacted`].
//! Watchers wake in the order in which they began to wait, on any runtime.

use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Notify;

use crate::coord::{
    Error, Event, RangeRequest, RangeResponse, Result, Revision, WatchBatch, WatchRequest,
    WatchStream, check,
};

use super::State;

/// A batch ends with the revision that brings it to this many events.
const WATCH_BATCH_EVENTS: usize = 1000;

pub struct Shared {
    inner: Mutex<Inner>,
    changed: Notify,
}

struct Inner {
    state: State,
    published: Revision,
    failed: Option<String>,
}

impl Shared {
    pub fn new(state: State) -> Arc<Shared> {
        let inner = Inner { published: state.revision(), state, failed: None };
        Arc::new(Shared { inner: Mutex::new(inner), changed: Notify::new() })
    }

    /// Runs `work` on the state. Its changes are not visible before they are published.
    pub fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T> {
        let mut inner = self.lock()?;
        Ok(work(&mut inner.state))
    }

    /// Makes all revisions up to `revision` visible.
    pub fn publish(&self, revision: Revision) {
        if let Ok(mut inner) = self.lock()
            && inner.published < revision
        {
            inner.published = revision;
            drop(inner);
            self.changed.notify_waiters();
        }
    }

    /// Refuses all calls from now on, and ends all watches.
    pub fn fail(&self, reason: String) {
        if let Ok(mut inner) = self.lock() {
            inner.failed = Some(reason);
            drop(inner);
            self.changed.notify_waiters();
        }
    }

    /// Goes on from a state that was read from disk, also after a failure. Nothing that was
    /// published is missing in it.
    pub fn restore(&self, state: State) {
        let mut inner = self.inner.lock().expect("no holder of this lock panics");
        *inner = Inner { published: state.revision(), state, failed: None };
        drop(inner);
        self.changed.notify_waiters();
    }

    /// The newest revision published.
    pub fn published(&self) -> Result<Revision> {
        Ok(self.lock()?.published)
    }

    pub fn range(&self, request: &RangeRequest) -> Result<RangeResponse> {
        let inner = self.lock()?;
        inner.state.range(request, inner.published)
    }

    pub fn watch(self: &Arc<Shared>, request: WatchRequest) -> Result<WatchStream> {
        check::watch(&request)?;
        let next = match request.start {
            Some(start) => start,
            None => self.published()? + 1,
        };
        let watcher = Watcher { shared: Arc::clone(self), request, next };
        let batches = stream::unfold(Some(watcher), |watcher| async move {
            let mut watcher = watcher?;
            match watcher.batch().await {
                Ok(batch) => Some((Ok(batch), Some(watcher))),
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(batches.boxed())
    }

    fn lock(&self) -> Result<MutexGuard<'_, Inner>> {
        let inner = self.inner.lock().expect("no holder of this lock panics");
        match &inner.failed {
            None => Ok(inner),
            Some(reason) => Err(Error::Unavailable { reason: reason.clone() }),
        }
    }
}

struct Watcher {
    shared: Arc<Shared>,
    request: WatchRequest,
    /// The first revision that is not delivered yet.
    next: Revision,
}

impl Watcher {
    async fn batch(&mut self) -> Result<WatchBatch> {
        let shared = Arc::clone(&self.shared);
        loop {
            // Registered before the read: a change right after the read wakes it.
            let mut changed = std::pin::pin!(shared.changed.notified());
            changed.as_mut().enable();
            if let Some(batch) = self.next_events()? {
                return Ok(batch);
            }
            changed.await;
        }
    }

    fn next_events(&mut self) -> Result<Option<WatchBatch>> {
        let inner = self.shared.lock()?;
        let oldest = inner.state.oldest();
        if self.next < oldest {
            return Err(Error::Compacted { oldest });
        }
        let mut events = Vec::new();
        for (revision, changes) in inner.state.log(self.next, inner.published) {
            let matching =
                changes.iter().filter(|event| self.request.range.contains(&event.kv.key));
            events.extend(matching.map(|event| self.trimmed(event)));
            if events.len() >= WATCH_BATCH_EVENTS {
                self.next = revision + 1;
                return Ok(Some(WatchBatch { revision, events }));
            }
        }
        self.next = self.next.max(inner.published + 1);
        let last = events.last().map(|event| event.kv.mod_revision);
        Ok(last.map(|revision| WatchBatch { revision, events }))
    }

    fn trimmed(&self, event: &Event) -> Event {
        let mut event = event.clone();
        if !self.request.prev_kv {
            event.prev = None;
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::coord::{KeyRange, LeaseId, Op, Txn};

    #[test]
    fn what_is_not_published_is_neither_read_nor_watched() {
        let shared = Shared::new(State::new(LeaseId(1)));
        let all = || KeyRange::prefix("");
        let mut watch = shared.watch(WatchRequest::new(all())).unwrap();
        let mut late = shared.watch(WatchRequest::new(all()).from(1)).unwrap();
        let put = Txn::default().then(Op::put("a", "x"));
        let put = shared.with(|state| state.txn(&put)).unwrap().unwrap();
        assert!(watch.next().now_or_never().is_none());
        assert!(late.next().now_or_never().is_none());
        let read = || shared.range(&RangeRequest::new(all())).unwrap();
        assert_eq!((read().count, read().revision), (0, 1));
        let early = shared.range(&RangeRequest::new(all()).at(put.revision));
        assert!(matches!(early, Err(Error::FutureRevision { newest: 1, .. })));
        shared.publish(put.revision);
        assert!(watch.next().now_or_never().is_some());
        assert!(late.next().now_or_never().is_some());
        assert_eq!((read().count, read().revision), (1, put.revision));
    }
}
