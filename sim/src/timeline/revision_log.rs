//! What happened to the coordination stores, and when.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use drydock_core::coord::{self, Event, Revision, TxnResponse};
use drydock_harness::record::{Recorder, Seq};

/// What one store held and did.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// What happened before, as far as this store knows it.
    pub inherited: Vec<Event>,
    pub events: Vec<Event>,
}

impl Past {
    pub fn whole(self) -> Vec<Event> {
        let mut events = self.inherited;
        events.extend(self.events);
        events
    }
}

/// Notes at which event each revision of the coordination store came about.
#[derive(Clone)]
pub struct RevisionLog {
    recorder: Recorder,
    /// Of every store, one after the other.
    seen: Arc<Mutex<Vec<Seen>>>,
    noted: Arc<Mutex<Noted>>,
}

/// When each revision of one store came about.
struct Seen {
    began: Seq,
    /// The revision that it began with.
    first: Revision,
    revisions: BTreeMap<Revision, (Seq, Duration)>,
}

/// How often something happened that probes ask for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Noted {
    /// Transactions whose compares did not hold.
    pub refused: usize,
    /// Transactions that took effect and were not answered.
    pub unanswered: usize,
    /// Processes that were started again.
    pub restarted: usize,
    /// Gateways among them.
    pub gateways_restarted: usize,
    pub listed_late: usize,
}

/// When what is in the past of coordination stores happened.
pub trait Moments {
    /// The event with which a store began.
    fn began(&self, era: usize) -> Seq;

    /// The event at which `revision` of a store came about, or the first one at which it was seen.
    fn seq_of(&self, era: usize, revision: Revision) -> Seq;
}

impl Moments for RevisionLog {
    fn began(&self, era: usize) -> Seq {
        self.lock()[era].began
    }

    fn seq_of(&self, era: usize, revision: Revision) -> Seq {
        let seen = self.lock();
        let revisions = &seen[era].revisions;
        revisions.range(revision..).next().map_or(Seq::MAX, |(_, (seq, _))| *seq)
    }
}

impl RevisionLog {
    pub fn new(recorder: &Recorder) -> RevisionLog {
        let revisions =
            RevisionLog { recorder: recorder.clone(), seen: Arc::default(), noted: Arc::default() };
        revisions.new_era(1);
        revisions
    }

    /// From now on there is another store, at `revision`.
    pub fn new_era(&self, revision: Revision) {
        let text = format_args!("a store begins at revision {revision}");
        let began = self.recorder.event("coordination", text);
        let seen = Seen { began, first: revision, revisions: BTreeMap::new() };
        self.lock().push(seen);
    }

    /// The current store's revision at a time; the one that it began with, if that is later.
    pub fn revision_at(&self, then: Duration) -> Revision {
        let seen = self.lock();
        let era = seen.last().expect("there is always a store");
        let known = era.revisions.iter().rev().find(|(_, (_, at))| *at <= then);
        known.map_or(era.first, |(revision, _)| *revision)
    }

    pub fn noted(&self) -> Noted {
        *self.noted.lock().expect("no holder of this lock panics")
    }

    /// A listing of objects did not show what is there.
    pub fn listed_late(&self) {
        self.noted.lock().expect("no holder of this lock panics").listed_late += 1;
    }

    pub fn gateway_restarted(&self) {
        let mut noted = self.noted.lock().expect("no holder of this lock panics");
        noted.restarted += 1;
        noted.gateways_restarted += 1;
    }

    pub fn restarted(&self) {
        self.noted.lock().expect("no holder of this lock panics").restarted += 1;
    }

    /// A transaction of `host` just took place.
    pub fn txn(&self, host: &str, how: &str, answer: &coord::Result<TxnResponse>) {
        match answer {
            Ok(done) => {
                let answered = how.is_empty();
                let txn = format_args!("{how} txn");
                self.decided(host, txn, done.succeeded, done.revision);
                let mut noted = self.noted.lock().expect("no holder of this lock panics");
                noted.unanswered += usize::from(!answered);
            }
            Err(error) => self.note(host, format_args!("{how} txn failed: {error}")),
        }
    }

    /// A transaction of `host` was decided, and left the store at `revision`.
    pub fn decided(&self, host: &str, txn: fmt::Arguments<'_>, held: bool, revision: Revision) {
        let outcome = if held { "held" } else { "refused" };
        let text = format_args!("{txn}: {outcome} at revision {revision}");
        let seq = self.recorder.event(host, text);
        self.note_revision(revision, seq);
        let mut noted = self.noted.lock().expect("no holder of this lock panics");
        noted.refused += usize::from(!held);
    }

    /// The answer to a transaction of `host` will be lost.
    pub fn lost(&self, host: &str, applied: bool) {
        let what = if applied { "after" } else { "without" };
        self.note(host, format_args!("txn is not answered, {what} its effect"));
        let mut noted = self.noted.lock().expect("no holder of this lock panics");
        noted.unanswered += usize::from(applied);
    }

    /// The store was seen at `revision`.
    pub fn seen(&self, revision: Revision) {
        if revision > self.newest() {
            let text = format_args!("revision {revision}");
            let seq = self.recorder.event("coordination", text);
            self.note_revision(revision, seq);
        }
    }

    pub fn note(&self, host: &str, text: fmt::Arguments<'_>) {
        self.recorder.event(host, text);
    }

    pub fn now(&self) -> Duration {
        self.recorder.now()
    }

    fn newest(&self) -> Revision {
        let seen = self.lock();
        let era = seen.last().expect("there is always a store");
        era.revisions.last_key_value().map_or(era.first, |(newest, _)| *newest)
    }

    fn note_revision(&self, revision: Revision, seq: Seq) {
        let now = self.recorder.now();
        let mut seen = self.lock();
        let era = seen.last_mut().expect("there is always a store");
        era.revisions.entry(revision).or_insert((seq, now));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().expect("no holder of this lock panics")
    }
}
