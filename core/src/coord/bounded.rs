//! Bounds every call to a coordination store by a time-out.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::*;

/// Answers for `inner` if that takes longer than `timeout`: a call that may have changed the store
/// is then [`Error::Unknown`], a read is [`Error::Unavailable`].
#[derive(Clone)]
pub struct Bounded {
    inner: Arc<dyn Coordination>,
    timeout: Duration,
}

impl Bounded {
    pub fn new(inner: Arc<dyn Coordination>, timeout: Duration) -> Bounded {
        Bounded { inner, timeout }
    }

    async fn read<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Error::Unavailable { reason: self.reason() }),
        }
    }

    async fn write<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Error::Unknown { reason: self.reason() }),
        }
    }

    fn reason(&self) -> String {
        format!("no answer within {} ms", self.timeout.as_millis())
    }
}

#[async_trait]
impl Coordination for Bounded {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        self.read(self.inner.range(request)).await
    }

    async fn txn(&self, txn: Txn) -> Result<TxnResponse> {
        self.write(self.inner.txn(txn)).await
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchStream> {
        self.read(self.inner.watch(request)).await
    }

    async fn lease_grant(&self, ttl: Duration) -> Result<Lease> {
        self.write(self.inner.lease_grant(ttl)).await
    }

    async fn lease_keep_alive(&self, id: LeaseId) -> Result<Duration> {
        self.write(self.inner.lease_keep_alive(id)).await
    }

    async fn lease_revoke(&self, id: LeaseId) -> Result<()> {
        self.write(self.inner.lease_revoke(id)).await
    }

    async fn compact(&self, revision: Revision) -> Result<()> {
        self.write(self.inner.compact(revision)).await
    }

    async fn space(&self) -> Result<Option<Space>> {
        self.read(self.inner.space()).await
    }

    /// Not bounded here: how long it takes goes by the size of the store.
    async fn reclaim(&self) -> Result<()> {
        self.inner.reclaim().await
    }
}
