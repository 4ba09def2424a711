//! What etcd goes through during a run, and between which calls of the clients.
//!
//! Nobody can say at which moment a revision came about, only that it was there when a read was
//! answered, and was not when another one began. So revisions have numbers of their own, and calls
//! get numbers among them that leave a call as much room as it may have had: it was not made before
//! its first number, nor answered after its last. Whoever compares the two never takes something
//! for impossible that was not.
//!
//! A store that is replaced by an empty one is noticed by a marker that is gone. One that is set
//! back keeps it, and has another past than the one that was seen: then there is a
//! [gap](FinishedLog::gap).

mod calls;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use drydock_core::coord::{
    Coordination, CoordinationExt, Error, Event, EventKind, KeyRange, Op, Put, RangeRequest,
    Result, Revision, Txn, WatchBatch, WatchRequest,
};
use drydock_core::env::Env;
use drydock_core::log::keys::Keys;
use drydock_harness::record::{Recorder, Seq};
use futures_util::StreamExt;
use tokio::task::JoinSet;

use crate::timeline::Past;

pub use calls::FinishedLog;

/// Between two reads: calls are placed as finely as this.
const READ_PERIOD: Duration = Duration::from_millis(10);
/// After something failed, and between two looks at the end.
const PAUSE: Duration = Duration::from_millis(100);
/// How long everything may take to arrive at the end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Notes what happens, until it is [finished](EtcdLog::finish).
pub struct EtcdLog {
    desk: Arc<Desk>,
    tasks: JoinSet<()>,
}

struct Desk {
    coord: Arc<dyn Coordination>,
    cluster: KeyRange,
    keys: Keys,
    /// A key that no store has but the one that was there first, until it is put into the next.
    marker: String,
    recorder: Recorder,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    marks: Vec<Mark>,
    eras: Vec<Era>,
    gap: Option<String>,
}

/// A read of a store's revision.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// All events before this one had happened when it began.
    began: Seq,
    /// No event from this one on had happened when it was answered.
    ended: Seq,
    era: usize,
    revision: Revision,
}

/// The time of one store.
#[derive(Default)]
struct Era {
    past: Past,
    /// Everything up to here has been delivered.
    seen: Revision,
}

impl Noted {
    /// Takes over what a read found that began when `before` was the newest mark.
    fn take(&mut self, before: Option<Mark>, mark: Mark) {
        let is_older = |than: Option<Mark>| {
            than.is_some_and(|than| than.era == mark.era && mark.revision < than.revision)
        };
        if let Some(before) = before.filter(|before| is_older(Some(*before))) {
            let (from, to) = (before.revision, mark.revision);
            let gap = format!("the coordination store was set back from revision {from} to {to}");
            self.gap.get_or_insert(gap);
        } else if !is_older(self.marks.last().copied()) {
            self.marks.push(mark);
        }
    }
}

impl EtcdLog {
    /// Begins with what is there now.
    pub async fn begin(
        coord: Arc<dyn Coordination>,
        cluster: &str,
        service: &str,
        recorder: &Recorder,
        env: &Env,
    ) -> Result<EtcdLog> {
        let whole = format!("drydock/{cluster}/");
        let desk = Desk {
            coord,
            marker: format!("{whole}check/{}", env.new_id()),
            cluster: KeyRange::prefix(whole),
            keys: Keys::new(cluster, service),
            recorder: recorder.clone(),
            noted: Mutex::default(),
        };
        desk.coord.put(Put::new(desk.marker.clone(), "0")).await?;
        let found = desk.coord.range(RangeRequest::new(desk.keys.all())).await?;
        let inherited =
            found.kvs.into_iter().map(|kv| Event { kind: EventKind::Put, kv, prev: None });
        let past = Past { inherited: inherited.collect(), events: Vec::new() };
        desk.lock().eras.push(Era { past, seen: found.revision });
        let now = recorder.count();
        desk.mark(Mark { began: now, ended: now, era: 0, revision: found.revision });
        let desk = Arc::new(desk);
        let mut tasks = JoinSet::new();
        tasks.spawn(read(desk.clone()));
        tasks.spawn(follow(desk.clone()));
        Ok(EtcdLog { desk, tasks })
    }

    /// What was there at the beginning.
    pub fn inherited(&self) -> Vec<Event> {
        self.desk.lock().eras[0].past.inherited.clone()
    }

    /// Waits until everything that has happened is noted.
    pub async fn finish(mut self) -> FinishedLog {
        let caught_up = tokio::time::timeout(PATIENCE, self.desk.catch_up()).await;
        self.tasks.shutdown().await;
        let marker = KeyRange::single(self.desk.marker.clone());
        // Left behind where the store does not answer any more; it means nothing.
        let _ = self.desk.coord.txn(Txn::default().then(Op::delete(marker))).await;
        let mut noted = std::mem::take(&mut *self.desk.lock());
        if caught_up.is_err() {
            noted.gap.get_or_insert("the coordination store did not answer at the end".to_owned());
        }
        FinishedLog::new(noted)
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().expect("no holder of this lock panics")
    }

    fn mark(&self, mark: Mark) {
        self.lock().marks.push(mark);
    }

    /// Reads the revision, and notices a store that is another one.
    async fn look(&self) -> Result<()> {
        let before = self.lock().marks.last().copied();
        let began = self.recorder.count();
        let marker = RangeRequest::new(KeyRange::single(self.marker.clone()));
        let found = self.coord.range(marker).await?;
        let ended = self.recorder.count();
        let revision = found.revision;
        if found.kvs.is_empty() {
            self.coord.put(Put::new(self.marker.clone(), "0")).await?;
            self.lock().eras.push(Era::default());
        }
        let mut noted = self.lock();
        let era = noted.eras.len() - 1;
        noted.take(before, Mark { began, ended, era, revision });
        Ok(())
    }

    fn add(&self, era: usize, batch: WatchBatch) {
        let mut noted = self.lock();
        let era = &mut noted.eras[era];
        let ours = |event: &Event| self.keys.name(&event.kv.key).is_some();
        era.past.events.extend(batch.events.into_iter().filter(ours));
        era.seen = era.seen.max(batch.revision);
    }

    /// Writes once more, and waits until that has come.
    async fn catch_up(&self) {
        loop {
            if let Ok(revision) = self.coord.put(Put::new(self.marker.clone(), "1")).await {
                while !self.has_seen(revision) {
                    tokio::time::sleep(PAUSE).await;
                }
                let now = self.recorder.count();
                let era = self.lock().eras.len() - 1;
                self.mark(Mark { began: now, ended: now, era, revision });
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn has_seen(&self, revision: Revision) -> bool {
        let noted = self.lock();
        noted.gap.is_some() || noted.eras.last().is_some_and(|era| era.seen >= revision)
    }
}

async fn read(desk: Arc<Desk>) {
    loop {
        // While the store is down there is nothing to be noted.
        let _ = desk.look().await;
        tokio::time::sleep(READ_PERIOD).await;
    }
}

async fn follow(desk: Arc<Desk>) {
    loop {
        let (era, next) = {
            let noted = desk.lock();
            let era = noted.eras.len() - 1;
            (era, noted.eras[era].seen + 1)
        };
        if let Err(Error::Compacted { .. }) = follow_one(&desk, era, next).await {
            let gap = "the past was compacted before it was seen".to_owned();
            desk.lock().gap.get_or_insert(gap);
            return;
        }
        // Another store may be there now: it must be noticed before it is watched.
        let marks = desk.lock().marks.len();
        while desk.lock().marks.len() < marks + 2 {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Until the watch breaks or the store is another one.
async fn follow_one(desk: &Desk, era: usize, next: Revision) -> Result<()> {
    let request = WatchRequest::new(desk.cluster.clone()).from(next);
    let mut batches = desk.coord.watch(request).await?;
    while desk.lock().eras.len() == era + 1 {
        match tokio::time::timeout(PAUSE, batches.next()).await {
            Ok(Some(batch)) => desk.add(era, batch?),
            Ok(None) => return Ok(()),
            Err(_elapsed) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_is_answered_late_sets_nothing_back() {
        let at = |revision| Mark { began: 0, ended: 0, era: 0, revision };
        let mut noted = Noted::default();
        noted.take(None, at(5));
        let before = noted.marks.last().copied();
        // The end is noted while the read is on its way.
        noted.marks.push(at(7));
        noted.take(before, at(6));
        assert_eq!((noted.gap.clone(), noted.marks.len()), (None, 2));
        noted.take(Some(at(7)), at(6));
        assert!(noted.gap.is_some());
    }
}
