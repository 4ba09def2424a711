//! The embedded pair on a simulated disk: what `drydock serve all` keeps its data in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use drydock_backends::embedded::{Embedded, OpenError};
use drydock_core::coord::{
    Coordination, Error, Event, KeyRange, Lease, LeaseId, RangeRequest, RangeResponse, Result,
    Revision, Txn, TxnResponse, WatchRequest, WatchStream,
};
use drydock_core::db::Execution;
use drydock_core::env::{Clock, Rng};
use drydock_harness::fault::Faults;
use drydock_harness::world::SimDisk;
use futures_util::{FutureExt, StreamExt};
use tokio_util::task::AbortOnDropHandle;

use super::files::SimFiles;
use super::redb_disk::RedbDisk;
use crate::plan::{InstanceId, Service};
use crate::timeline::{ObjectHistory, Past, RevisionLog};

/// As often as the store's own thread would look for leases that are over.
const LEASES: Duration = Duration::from_millis(250);

/// The only instance that there is.
pub const INSTANCE: InstanceId = InstanceId { service: Service::Configstore, number: 1 };

#[derive(Clone)]
pub struct EmbeddedPair {
    disk: SimDisk,
    pub files: SimFiles,
    clock: Arc<dyn Clock>,
    revisions: RevisionLog,
    rng: Arc<Mutex<Rng>>,
    /// What watchers were told. The store itself forgets, sooner or later.
    told: Told,
}

type Told = Arc<Mutex<Vec<Event>>>;

impl EmbeddedPair {
    pub fn new(
        faults: &Faults,
        object_history: &ObjectHistory,
        clock: Arc<dyn Clock>,
        revisions: &RevisionLog,
        rng: Rng,
    ) -> EmbeddedPair {
        let disk = SimDisk::new(&INSTANCE.host(), faults);
        EmbeddedPair {
            files: SimFiles::new(&disk, object_history),
            disk,
            clock,
            revisions: revisions.clone(),
            rng: Arc::new(Mutex::new(rng)),
            told: Told::default(),
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
        let follower = tokio::spawn(follow(store.clone(), Arc::clone(&self.told)));
        let tasks = [keeper, follower].map(AbortOnDropHandle::new);
        Ok(Opened { store, revisions: self.revisions.clone(), _tasks: tasks })
    }

    fn opened(&self) -> std::result::Result<Embedded, OpenError> {
        let clock = Arc::clone(&self.clock);
        Embedded::open_with_backend(RedbDisk(self.disk.open()), "disk", clock, Execution::Inline)
    }

    /// The power went: what was not synced is lost or torn. Answers how much that was.
    pub fn lose(&self) -> u64 {
        let mut rng = self.rng.lock().expect("no holder of this lock panics");
        self.disk.lose(&mut rng) + self.files.lose(&mut rng)
    }

    /// All that the store did.
    ///
    /// # Panics
    /// If its file cannot be read, or does not hold what watchers were told.
    pub async fn past(&self) -> Past {
        let events = self.history().await.expect("the embedded store can be read");
        Past { inherited: Vec::new(), events }
    }

    async fn history(&self) -> Result<Vec<Event>> {
        let store = self.opened().expect("the embedded store opens");
        let (oldest, object_history) = match told_from(&store, 1).await {
            Err(Error::Compacted { oldest }) => (oldest, told_from(&store, oldest).await?),
            all => (1, all?),
        };
        let mut events = self.told.lock().expect("no holder of this lock panics").clone();
        let again = events.split_off(events.partition_point(|at| at.kv.mod_revision < oldest));
        assert!(object_history.starts_with(&again), "watchers were told what is not in the file");
        events.extend(object_history);
        Ok(events)
    }
}

/// What a watch tells of the past.
async fn told_from(store: &Embedded, start: Revision) -> Result<Vec<Event>> {
    let newest = store.range(RangeRequest::new(KeyRange::prefix(""))).await?.revision;
    let mut watch = watch_from(store, start).await?;
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

async fn watch_from(store: &Embedded, start: Revision) -> Result<WatchStream> {
    store.watch(WatchRequest::new(KeyRange::prefix("")).from(start)).await
}

/// Notes what watchers are told, as long as the process lives.
async fn follow(store: Embedded, told: Told) {
    let told = || told.lock().expect("no holder of this lock panics");
    let next = told().last().map_or(1, |newest| newest.kv.mod_revision + 1);
    let mut watch = watch_from(&store, next).await.expect("it is not forgotten so soon");
    while let Some(Ok(batch)) = watch.next().await {
        told().extend(batch.events);
    }
}

/// The store of one process, which notes what happens.
pub struct Opened {
    store: Embedded,
    revisions: RevisionLog,
    _tasks: [AbortOnDropHandle<()>; 2],
}

#[async_trait]
impl Coordination for Opened {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        let answer = self.store.range(request).await?;
        self.revisions.seen(answer.revision);
        Ok(answer)
    }

    async fn txn(&self, txn: Txn) -> Result<TxnResponse> {
        let answer = self.store.txn(txn).await;
        self.revisions.txn(&INSTANCE.host(), "", &answer);
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

#[cfg(test)]
mod tests {
    use drydock_core::coord::{CoordinationExt, Put};
    use drydock_core::env::{ManualClock, RngTree};
    use drydock_harness::record::Recorder;

    use super::*;

    #[tokio::test]
    async fn the_past_is_whole_although_the_store_forgets_and_the_power_goes() {
        const PUTS: usize = 6_000;
        let recorder = Recorder::new(|| None, None);
        let (faults, object_history) =
            (Faults::new(Vec::new(), recorder.clone()), ObjectHistory::new(&recorder));
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let (revisions, rng) = (RevisionLog::new(&recorder), RngTree::from_seed(1).stream("disk"));
        let pair = EmbeddedPair::new(&faults, &object_history, clock, &revisions, rng);
        for _ in 0..2 {
            let store = pair.open().unwrap();
            for nth in 0..PUTS {
                store.put(Put::new("a", nth.to_string())).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(store);
            pair.lose();
        }
        let past = pair.past().await.events;
        assert_eq!(past.len(), 2 * PUTS);
        assert!(past.is_sorted_by_key(|event| event.kv.mod_revision));
        let forgotten = told_from(&pair.opened().unwrap(), 1).await;
        assert!(matches!(forgotten, Err(Error::Compacted { .. })), "{forgotten:?}");
    }
}
