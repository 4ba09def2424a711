//! A coordination store that misbehaves as a test asks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};

use super::keys;
use crate::coord::memory::Memory;
use crate::coord::{
    Coordination, CoordinationExt, Error, KeyValue, Lease, LeaseId, Op, Put, RangeRequest,
    RangeResponse, Result as CoordResult, Revision, Space, Txn, TxnResponse, WatchRequest,
    WatchStream,
};
use crate::env::ManualClock;
use crate::log::format::{Commit, decode};

/// A fault of one transaction; the queued faults hit the next transactions in order.
#[derive(Debug, Clone, Copy)]
pub enum Mishap {
    Pass,
    /// The transaction is refused, and is not applied.
    Refuse,
    /// The transaction is applied, and its answer is lost.
    LoseAnswer,
    /// The transaction is not applied, and its outcome is unknown.
    LoseRequest,
    /// The transaction is refused for want of space.
    NoSpace,
    /// The transaction is applied, and is known to be; it takes the last space.
    TakeLastSpace,
}

/// A coordination store behind a bad network.
#[derive(Clone)]
pub struct Flaky {
    memory: Arc<Mutex<Memory>>,
    mishaps: Arc<Mutex<VecDeque<Mishap>>>,
    /// The number of next commits whose watch events are lost.
    swallow: Arc<Mutex<usize>>,
    /// Answers of reads wait for this lock.
    answers: Arc<RwLock<()>>,
    space: Arc<Mutex<Option<Space>>>,
}

impl Flaky {
    pub fn new() -> Flaky {
        let memory = Arc::new(Mutex::new(empty()));
        Flaky {
            memory,
            mishaps: Arc::default(),
            swallow: Arc::default(),
            answers: Arc::default(),
            space: Arc::default(),
        }
    }

    pub fn memory(&self) -> Memory {
        self.memory.lock().unwrap().clone()
    }

    /// Replaces the store by an empty one while clients use it.
    pub fn lose_everything(&self) {
        *self.memory.lock().unwrap() = empty();
    }

    /// A backup: all keys.
    pub fn snapshot(&self) -> Vec<KeyValue> {
        self.memory().dump().1
    }

    /// Replaces the store by one that is made from a backup.
    pub async fn restore(&self, mut backup: Vec<KeyValue>) {
        let memory = empty();
        backup.sort_by_key(|kv| kv.mod_revision);
        for kv in backup {
            memory.put(Put::new(kv.key, kv.value)).await.unwrap();
        }
        *self.memory.lock().unwrap() = memory;
    }

    pub fn next(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        self.mishaps.lock().unwrap().extend(mishaps);
    }

    pub fn swallow_events(&self, count: usize) {
        *self.swallow.lock().unwrap() = count;
    }

    pub fn set_space(&self, space: Space) {
        *self.space.lock().unwrap() = Some(space);
    }

    /// Holds the answers of reads until the guard is dropped.
    pub async fn hold_answers(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.answers).write_owned().await
    }

    /// All commits, in order.
    pub async fn log(&self) -> Vec<Commit> {
        let range = RangeRequest::new(keys().commits());
        let found = self.memory().range(range).await.unwrap();
        found.kvs.iter().map(|kv| decode(&kv.key, &kv.value).unwrap()).collect()
    }
}

fn empty() -> Memory {
    Memory::with_history(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)))
}

#[async_trait]
impl Coordination for Flaky {
    async fn range(&self, request: RangeRequest) -> CoordResult<RangeResponse> {
        let found = self.memory().range(request).await;
        let _passed = self.answers.read().await;
        found
    }

    async fn txn(&self, txn: Txn) -> CoordResult<TxnResponse> {
        let writes = txn.then.iter().any(|op| matches!(op, Op::Put(_)));
        let mishap = if writes { self.mishaps.lock().unwrap().pop_front() } else { None };
        let reason = || "as the test asked".to_owned();
        match mishap.unwrap_or(Mishap::Pass) {
            Mishap::Pass => self.memory().txn(txn).await,
            Mishap::Refuse => Err(Error::Unavailable { reason: reason() }),
            Mishap::NoSpace => Err(Error::NoSpace { reason: reason() }),
            Mishap::TakeLastSpace => {
                self.memory().txn(txn).await?;
                Err(Error::AnswerLost { reason: reason() })
            }
            Mishap::LoseRequest => Err(Error::Unknown { reason: reason() }),
            Mishap::LoseAnswer => {
                self.memory().txn(txn).await?;
                Err(Error::Unknown { reason: reason() })
            }
        }
    }

    async fn watch(&self, request: WatchRequest) -> CoordResult<WatchStream> {
        let inner = self.memory().watch(request).await?;
        let swallow = Arc::clone(&self.swallow);
        let filtered = inner.map(move |batch| {
            let mut batch = batch?;
            let mut left = swallow.lock().unwrap();
            batch.events.retain(|_| {
                let swallowed = *left > 0;
                *left = left.saturating_sub(1);
                !swallowed
            });
            Ok(batch)
        });
        Ok(filtered.boxed())
    }

    async fn lease_grant(&self, ttl: Duration) -> CoordResult<Lease> {
        self.memory().lease_grant(ttl).await
    }

    async fn lease_keep_alive(&self, id: LeaseId) -> CoordResult<Duration> {
        self.memory().lease_keep_alive(id).await
    }

    async fn lease_revoke(&self, id: LeaseId) -> CoordResult<()> {
        self.memory().lease_revoke(id).await
    }

    async fn compact(&self, revision: Revision) -> CoordResult<()> {
        self.memory().compact(revision).await
    }

    async fn space(&self) -> CoordResult<Option<Space>> {
        Ok(*self.space.lock().unwrap())
    }

    async fn reclaim(&self) -> CoordResult<()> {
        if let Some(space) = &mut *self.space.lock().unwrap() {
            (space.file_bytes, space.is_full) = (space.used_bytes, false);
        }
        Ok(())
    }
}
