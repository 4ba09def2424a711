//! A part of an etcd, for callers whose time stands still.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use drydock_backends::etcd::Etcd;
use drydock_core::coord::{
    Coordination, CoordinationExt, Lease, LeaseId, Put, RangeRequest, RangeResponse, Result,
    Revision, Txn, TxnResponse, WatchBatch, WatchRequest, WatchStream,
};
use futures_util::{StreamExt, stream};
use tokio::sync::watch;

use super::Elsewhere;
use super::part::{Part, changes};

/// A key of its own, beside those of the product.
const MARKER: &str = "marker";

/// How much longer a lease lives here than it was asked for: the server's time goes on while the
/// test's stands still, and nobody is to be taken for dead meanwhile.
const STANDSTILL: Duration = Duration::from_secs(3600);

pub struct DistantCoordination {
    etcd: Etcd,
    part: Part,
    elsewhere: Elsewhere,
    /// Everything that the part's watch has told.
    told: watch::Receiver<Arc<Vec<WatchBatch>>>,
    /// Up to where everybody has been woken who waits to be told.
    woken: watch::Receiver<Revision>,
}

impl DistantCoordination {
    pub fn new(etcd: Etcd, prefix: &str, elsewhere: Elsewhere) -> DistantCoordination {
        let part = Part::new(prefix);
        let (tell, told) = watch::channel(Arc::default());
        let (wake, woken) = watch::channel(0);
        elsewhere.runtime().spawn(listen(etcd.clone(), part.clone(), tell, wake));
        DistantCoordination { etcd, part, elsewhere, told, woken }
    }

    /// Does `work`, and waits until the watch has told of the revision that it answers, if any.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<(T, Option<Revision>)>> + Send + 'static,
    ) -> Result<T> {
        let mut woken = self.woken.clone();
        let work = async move {
            let (answer, changed) = work.await?;
            if let Some(revision) = changed {
                woken.wait_for(|woken| *woken >= revision).await.expect("the watch goes on");
            }
            Ok(answer)
        };
        self.elsewhere.run(work).await
    }
}

/// Tells everything that happens in a part from its beginning.
async fn listen(
    etcd: Etcd,
    part: Part,
    tell: watch::Sender<Arc<Vec<WatchBatch>>>,
    wake: watch::Sender<Revision>,
) {
    let request = WatchRequest::new(part.all()).from(1).prev_kv();
    let mut batches = etcd.watch(request).await.expect("etcd can be watched");
    while let Some(batch) = batches.next().await {
        let batch = batch.expect("the watch does not break");
        let revision = batch.revision;
        tell.send_modify(|told| Arc::make_mut(told).push(batch));
        wake.send_replace(revision);
    }
}

#[async_trait]
impl Coordination for DistantCoordination {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        let (etcd, request) = (self.etcd.clone(), self.part.request(request));
        let answer = self.run(async move { Ok((etcd.range(request).await?, None)) }).await?;
        Ok(self.part.answer(answer))
    }

    async fn txn(&self, txn: Txn) -> Result<TxnResponse> {
        let (etcd, txn) = (self.etcd.clone(), self.part.txn(txn));
        let done = self.run(async move {
            let answer = etcd.txn(txn).await?;
            let changed = changes(&answer).then_some(answer.revision);
            Ok((answer, changed))
        });
        Ok(self.part.result(done.await?))
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchStream> {
        let etcd = self.etcd.clone();
        let start = match request.start {
            Some(start) => start,
            None => {
                let look = RangeRequest::new(self.part.all()).limit(1);
                let now = self.run(async move { Ok((etcd.range(look).await?, None)) });
                now.await?.revision + 1
            }
        };
        let (part, range) = (self.part.clone(), self.part.range(&request.range));
        let batches = stream::unfold((self.told.clone(), 0), move |(mut told, mut next)| {
            let (part, range) = (part.clone(), range.clone());
            async move {
                loop {
                    let batch = told.borrow_and_update().get(next).cloned();
                    let Some(WatchBatch { revision, mut events }) = batch else {
                        told.changed().await.ok()?;
                        continue;
                    };
                    next += 1;
                    let wanted = |kv: &drydock_core::coord::KeyValue| {
                        kv.mod_revision >= start && range.contains(&kv.key)
                    };
                    events.retain(|event| wanted(&event.kv));
                    if !events.is_empty() {
                        let events = events.into_iter().map(|it| part.event(it)).collect();
                        return Some((Ok(WatchBatch { revision, events }), (told, next)));
                    }
                }
            }
        });
        Ok(batches.boxed())
    }

    async fn lease_grant(&self, ttl: Duration) -> Result<Lease> {
        let etcd = self.etcd.clone();
        let granted = async move { etcd.lease_grant(ttl + STANDSTILL).await };
        let lease = self.run(async move { Ok((granted.await?, None)) }).await?;
        Ok(Lease { ttl, ..lease })
    }

    async fn lease_keep_alive(&self, id: LeaseId) -> Result<Duration> {
        let etcd = self.etcd.clone();
        let kept = self.run(async move { Ok((etcd.lease_keep_alive(id).await?, None)) }).await?;
        Ok(kept.saturating_sub(STANDSTILL))
    }

    async fn lease_revoke(&self, id: LeaseId) -> Result<()> {
        let (etcd, part) = (self.etcd.clone(), self.part.clone());
        self.run(async move {
            etcd.lease_revoke(id).await?;
            // At a revision that nobody tells: another one comes after it.
            let marker = part.range(&drydock_core::coord::KeyRange::single(MARKER)).start;
            Ok(((), Some(etcd.put(Put::new(marker, "")).await?)))
        })
        .await
    }

    /// Not done: the history is that of other tests, too.
    async fn compact(&self, _revision: Revision) -> Result<()> {
        Ok(())
    }
}
