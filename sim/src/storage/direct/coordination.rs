//! Coordination as one instance reaches it: the reference implementation behind a way that can be
//! slow, cut or lose answers.
//!
//! Invariant: an error never claims more than is true. A request that did not arrive is
//! `Unavailable` or `Unknown`; one whose answer was lost is `Unknown`, and may take effect later.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::coord::{
    Coordination, Error, Lease, LeaseId, RangeRequest, RangeResponse, Result, Revision, Txn,
    TxnResponse, WatchBatch, WatchRequest, WatchStream,
};
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::link::{GIVE_UP, StorageLink};
use crate::plan::fault::{CoordinationFault, Effect, FaultKind};
use crate::storage::direct::Stores;
use crate::timeline::RevisionLog;

/// A watch whose way stays cut for so long breaks.
const WATCH_GIVE_UP: Duration = Duration::from_secs(3);
/// A late transaction takes effect this long after its caller gave up, at most.
const LATE_MS: u64 = 1_500;

#[derive(Clone)]
pub struct FaultyCoordination {
    pub stores: Stores,
    pub link: StorageLink,
    pub revisions: RevisionLog,
    pub late: LateTxns,
}

/// Transactions under way that take effect when their callers have long given up.
#[derive(Clone, Default)]
pub struct LateTxns {
    queue: Arc<Mutex<Vec<(Duration, String, Txn)>>>,
}

impl LateTxns {
    fn push(&self, due: Duration, host: &str, txn: Txn) {
        let mut queue = self.queue.lock().expect("no holder of this lock panics");
        queue.push((due, host.to_owned(), txn));
    }

    fn take(&self, now: Duration) -> Vec<(Duration, String, Txn)> {
        let mut queue = self.queue.lock().expect("no holder of this lock panics");
        let (due, rest) = queue.drain(..).partition(|(due, ..)| *due <= now);
        *queue = rest;
        due
    }

    /// Forgets them: the store that they were on the way to is gone.
    pub fn clear(&self) {
        self.queue.lock().expect("no holder of this lock panics").clear();
    }

    /// Applies what is due.
    pub async fn apply(&self, now: Duration, stores: &Stores, revisions: &RevisionLog) {
        for (_, host, txn) in self.take(now) {
            let answer = stores.current().txn(txn).await;
            revisions.txn(&host, "late", &answer);
        }
    }
}

impl FaultyCoordination {
    async fn there(&self) -> Result<()> {
        let lost = |_| match self.link.toss() {
            true => unknown("the way was cut"),
            false => Error::Unavailable { reason: "no connection".to_owned() },
        };
        self.link.travel(slower, cut).await.map_err(lost)
    }

    async fn back<T>(&self, answer: T) -> Result<T> {
        let lost = |_| unknown("the way back was cut");
        self.link.travel(slower, cut).await.map_err(lost)?;
        Ok(answer)
    }

    /// A transaction that the caller is told nothing about.
    async fn lose(&self, txn: Txn, effect: Effect) -> Result<TxnResponse> {
        let host = &self.link.host;
        match effect {
            Effect::Applied => {
                let answer = self.stores.current().txn(txn).await;
                self.revisions.txn(host, "unanswered", &answer);
            }
            Effect::Dropped => self.revisions.note(host, format_args!("dropped txn")),
            Effect::Late => {
                self.revisions.note(host, format_args!("delayed txn"));
                let rng = &self.link.rng;
                let more_ms = {
                    let mut rng = rng.lock().expect("no holder of this lock panics");
                    rand::RngExt::random_range(&mut *rng, 0..=LATE_MS)
                };
                let due = self.revisions.now() + GIVE_UP + Duration::from_millis(more_ms);
                self.late.push(due, host, txn);
            }
        }
        sleep(GIVE_UP).await;
        self.link.faults.thaw(host).await;
        Err(unknown("no answer"))
    }
}

fn unknown(reason: &str) -> Error {
    Error::Unknown { reason: reason.to_owned() }
}

fn slower(what: &FaultKind) -> Option<u64> {
    what.coordination()?.slows_by()
}

fn cut(what: &FaultKind) -> bool {
    what.coordination().is_some_and(CoordinationFault::cuts)
}

#[async_trait]
impl Coordination for FaultyCoordination {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        self.there().await?;
        let answer = self.stores.current().range(request).await?;
        self.revisions.seen(answer.revision);
        self.back(answer).await
    }

    async fn txn(&self, txn: Txn) -> Result<TxnResponse> {
        self.there().await?;
        let lost = |what: &FaultKind| what.coordination()?.loses_answers();
        if let Some(effect) = self.link.strike(lost) {
            return self.lose(txn, effect).await;
        }
        let answer = self.stores.current().txn(txn).await;
        self.revisions.txn(&self.link.host, "", &answer);
        self.back(answer?).await
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchStream> {
        self.there().await?;
        let inner = self.stores.current().watch(request).await?;
        self.revisions.note(&self.link.host, format_args!("watch"));
        let watch = FaultyWatch {
            inner,
            era: self.stores.era(),
            stores: self.stores.clone(),
            link: self.link.clone(),
            arrived: VecDeque::new(),
            ended: None,
            done: false,
            wait: None,
            cut: None,
        };
        self.back(watch.boxed()).await
    }

    async fn lease_grant(&self, ttl: Duration) -> Result<Lease> {
        self.there().await?;
        let lease = self.stores.current().lease_grant(ttl).await?;
        self.revisions.note(&self.link.host, format_args!("lease granted"));
        self.back(lease).await
    }

    async fn lease_keep_alive(&self, id: LeaseId) -> Result<Duration> {
        self.there().await?;
        let ttl = self.stores.current().lease_keep_alive(id).await?;
        self.back(ttl).await
    }

    async fn lease_revoke(&self, id: LeaseId) -> Result<()> {
        self.there().await?;
        self.stores.current().lease_revoke(id).await?;
        self.back(()).await
    }

    async fn compact(&self, revision: Revision) -> Result<()> {
        self.there().await?;
        self.stores.current().compact(revision).await?;
        self.back(()).await
    }
}

/// A watch that lags, breaks and forgets.
struct FaultyWatch {
    inner: WatchStream,
    /// Whose watch it is.
    era: usize,
    stores: Stores,
    link: StorageLink,
    /// On its way to the instance, with the time of arrival.
    arrived: VecDeque<(Instant, WatchBatch)>,
    ended: Option<Error>,
    done: bool,
    wait: Option<Pin<Box<Sleep>>>,
    /// Since when the way is cut, as the time when the watch gives up.
    cut: Option<Pin<Box<Sleep>>>,
}

impl FaultyWatch {
    /// Takes all there is from the store, unless something stands in the way.
    fn fetch(&mut self, cx: &mut Context<'_>) {
        while self.ended.is_none() {
            match self.inner.poll_next_unpin(cx) {
                Poll::Pending => return,
                Poll::Ready(None) => self.ended = Some(unknown("the watch ended")),
                Poll::Ready(Some(Err(error))) => self.ended = Some(error),
                Poll::Ready(Some(Ok(mut batch))) => {
                    batch.events.retain(|event| !self.forgets(&event.kv.key));
                    if batch.events.is_empty() {
                        continue;
                    }
                    let lag = self.link.mine(|what| what.watch()?.lag_ms());
                    let mut delay_ms = self.link.draw_ms();
                    if let Some((index, lag_ms)) = lag {
                        self.link.faults.hit(index, 1);
                        delay_ms += lag_ms;
                    }
                    let mut due = Instant::now() + Duration::from_millis(delay_ms);
                    if let Some((last, _)) = self.arrived.back() {
                        due = due.max(*last);
                    }
                    self.arrived.push_back((due, batch));
                }
            }
        }
    }

    /// Whether the event of `key` is lost for good.
    fn forgets(&self, key: &[u8]) -> bool {
        let loss = |what: &FaultKind| Some((what.watch()?.forgets(key)?, ()));
        self.link.strike(loss).is_some()
    }

    /// Whether a fault keeps the watch from moving; may end it.
    fn held_up(&mut self, cx: &mut Context<'_>) -> bool {
        if self.stores.era() != self.era {
            self.arrived.clear();
            self.ended = Some(unknown("the store is another one"));
            return false;
        }
        let broken = |what: &FaultKind| what.watch()?.breaks().then_some(());
        if let Some((index, ())) = self.link.mine(broken) {
            self.link.faults.hit(index, 1);
            self.arrived.clear();
            self.ended = Some(unknown("the watch was broken"));
            return false;
        }
        let cut = self.link.mine(|what| cut(what).then_some(()));
        match cut {
            None => self.cut = None,
            Some((index, ())) => {
                if self.cut.is_none() {
                    self.link.faults.hit(index, 1);
                }
                let patience = || Box::pin(sleep(WATCH_GIVE_UP));
                if (self.cut.get_or_insert_with(patience).as_mut()).poll(cx).is_ready() {
                    self.arrived.clear();
                    self.ended = Some(unknown("the way was cut"));
                    return false;
                }
            }
        }
        self.link.faults.wake_me(cx.waker());
        cut.is_some() || self.link.faults.frozen(&self.link.host).is_some()
    }
}

impl Stream for FaultyWatch {
    type Item = Result<WatchBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.done {
            return Poll::Ready(None);
        }
        if this.held_up(cx) {
            return Poll::Pending;
        }
        this.fetch(cx);
        let Some(&(due, _)) = this.arrived.front() else {
            return match this.ended.take() {
                Some(error) => {
                    this.done = true;
                    Poll::Ready(Some(Err(error)))
                }
                None => Poll::Pending,
            };
        };
        let wait = this.wait.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if wait.deadline() != due {
            wait.as_mut().reset(due);
        }
        if wait.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.wait = None;
        Poll::Ready(this.arrived.pop_front().map(|(_, batch)| Ok(batch)))
    }
}
