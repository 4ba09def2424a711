//! The embedded pair on a simulated disk: what `drydock serve all` keeps its data in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use drydock_backends::embedded::{Embedded, OpenError};
use drydock_core::coord::{
    Coordination, Event, KeyRange, Lease, LeaseId, RangeRequest, RangeResponse, Result, Revision,
    Txn, TxnResponse, WatchRequest, WatchStream,
};
use drydock_core::db::Execution;
use drydock_core::env::{Clock, Rng};
use futures_util::{FutureExt, StreamExt};
use tokio_util::task::AbortOnDropHandle;

use super::disk::SimDisk;
use super::files::SimFiles;
use super::past::Past;
use crate::fault::{Faults, Kept};
use crate::plan::instance_name;
use crate::truth::Witness;

/// As often as the store's own thread would look for leases that are over.
const LEASES: Duration = Duration::from_millis(250);

/// The only instance that there is.
pub const INSTANCE: usize = 1;

#[derive(Clone)]
pub struct EmbeddedPair {
    disk: SimDisk,
    pub files: SimFiles,
    clock: Arc<dyn Clock>,
    witness: Witness,
    rng: Arc<Mutex<Rng>>,
}

impl EmbeddedPair {
    pub fn new(
        faults: &Faults,
        kept: &Kept,
        clock: Arc<dyn Clock>,
        witness: &Witness,
        rng: Rng,
    ) -> EmbeddedPair {
        let disk = SimDisk::new(INSTANCE, faults);
        EmbeddedPair {
            files: SimFiles::new(&disk, kept),
            disk,
            clock,
            witness: witness.clone(),
            rng: Arc::new(Mutex::new(rng)),
        }
    }

    /// The store as a process that starts now opens it.
    pub fn open(&self) -> std::result::Result<Opened, OpenError> {
        let store = self.opened()?;
        let keeper = store.clone();
        let keeper = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LEASES).await;
                // A store that fails says so to whoever uses it.
                let _ = keeper.expire_leases().await;
            }
        });
        let (witness, keeper) = (self.witness.clone(), AbortOnDropHandle::new(keeper));
        Ok(Opened { store, witness, _keeper: keeper })
    }

    fn opened(&self) -> std::result::Result<Embedded, OpenError> {
        let clock = Arc::clone(&self.clock);
        Embedded::open_with_backend(self.disk.open(), "disk", clock, Execution::Inline)
    }

    /// The power went: what was not synced is lost or torn. Answers how much that was.
    pub fn lose(&self) -> u64 {
        let mut rng = self.rng.lock().expect("no holder of this lock panics");
        self.disk.lose(&mut rng) + self.files.lose(&mut rng)
    }

    /// All that the store did, as its file tells.
    pub async fn past(&self) -> Past {
        Past { inherited: Vec::new(), events: self.history().await.unwrap_or_default() }
    }

    async fn history(&self) -> std::result::Result<Vec<Event>, drydock_core::error::BoxError> {
        let store = self.opened()?;
        let everything = || KeyRange::prefix("");
        let newest = store.range(RangeRequest::new(everything())).await?.revision;
        let request = WatchRequest { start: Some(1), ..WatchRequest::new(everything()) };
        let mut watch = store.watch(request).await?;
        let mut events = Vec::new();
        // What is there is told at once; then nothing comes any more.
        while let Some(Some(batch)) = watch.next().now_or_never() {
            let batch = batch?;
            events.extend(batch.events);
            if batch.revision >= newest {
                break;
            }
        }
        Ok(events)
    }
}

/// The store of one process, which notes what happens.
pub struct Opened {
    store: Embedded,
    witness: Witness,
    _keeper: AbortOnDropHandle<()>,
}

#[async_trait]
impl Coordination for Opened {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        let answer = self.store.range(request).await?;
        self.witness.seen(answer.revision);
        Ok(answer)
    }

    async fn txn(&self, txn: Txn) -> Result<TxnResponse> {
        let answer = self.store.txn(txn).await;
        self.witness.txn(&instance_name(INSTANCE), "", &answer);
        answer
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchStream> {
        self.store.watch(request).await
    }

    async fn lease_grant(&self, ttl: Duration) -> Result<Lease> {
        self.store.lease_grant(ttl).await
    }

    async fn lease_keep_alive(&self, id: LeaseId) -> Result<Duration> {
        self.store.lease_keep_alive(id).await
    }

    async fn lease_revoke(&self, id: LeaseId) -> Result<()> {
        self.store.lease_revoke(id).await
    }

    async fn compact(&self, revision: Revision) -> Result<()> {
        self.store.compact(revision).await
    }
}
