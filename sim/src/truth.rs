//! What really happened, from the coordination store's own history and the object store.
//!
//! The oracles read the truth from here and replay it with code of their own; of the product only
//! the formats are used.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_core::coord::{self, Event, EventKind, Revision, TxnResponse};
use drydock_core::log::format::{
    Action, Body, Commit, Head, InstanceRecord, ModeRecord, Object, decode,
};
use serde_json::Value;
use uuid::Uuid;

use crate::recorder::{Recorder, Seq};

/// Notes at which event each revision of the coordination store came about.
#[derive(Clone)]
pub struct Witness {
    recorder: Recorder,
    seen: Arc<Mutex<BTreeMap<Revision, Seq>>>,
    noted: Arc<Mutex<Noted>>,
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
}

impl Witness {
    pub fn new(recorder: &Recorder) -> Witness {
        Witness { recorder: recorder.clone(), seen: Arc::default(), noted: Arc::default() }
    }

    pub fn noted(&self) -> Noted {
        *self.noted.lock().expect("no holder of this lock panics")
    }

    pub fn restarted(&self) {
        self.noted.lock().expect("no holder of this lock panics").restarted += 1;
    }

    /// A transaction of `host` just took place.
    pub fn txn(&self, host: &str, how: &str, answer: &coord::Result<TxnResponse>) {
        match answer {
            Ok(done) => {
                let outcome = if done.succeeded { "held" } else { "refused" };
                let text = format_args!("{how} txn {outcome} at revision {}", done.revision);
                let seq = self.recorder.event(host, text);
                self.note_revision(done.revision, seq);
                let mut noted = self.noted.lock().expect("no holder of this lock panics");
                noted.refused += usize::from(!done.succeeded);
                noted.unanswered += usize::from(!how.is_empty());
            }
            Err(error) => self.note(host, &format!("{how} txn failed: {error}")),
        }
    }

    /// The store was seen at `revision`.
    pub fn seen(&self, revision: Revision) {
        if revision > self.newest() {
            let text = format_args!("revision {revision}");
            let seq = self.recorder.event("coordination", text);
            self.note_revision(revision, seq);
        }
    }

    pub fn note(&self, host: &str, text: &str) {
        self.recorder.event(host, format_args!("{text}"));
    }

    pub fn now(&self) -> Duration {
        self.recorder.now()
    }

    /// The event at which `revision` came about, or the first one at which it was seen.
    pub fn seq_of(&self, revision: Revision) -> Seq {
        let seen = self.seen.lock().expect("no holder of this lock panics");
        seen.range(revision..).next().map_or(Seq::MAX, |(_, seq)| *seq)
    }

    fn newest(&self) -> Revision {
        let seen = self.seen.lock().expect("no holder of this lock panics");
        seen.last_key_value().map_or(0, |(newest, _)| *newest)
    }

    fn note_revision(&self, revision: Revision, seq: Seq) {
        let mut seen = self.seen.lock().expect("no holder of this lock panics");
        seen.entry(revision).or_insert(seq);
    }
}

/// A value and when it came about.
#[derive(Debug, Clone)]
pub struct At<T> {
    pub revision: Revision,
    pub seq: Seq,
    pub value: T,
}

/// Where a replay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Within a commit: readers never see this.
    Within,
    Whole,
}

/// All objects of a service: by type, then id.
pub type State = BTreeMap<(String, Uuid), Value>;

/// Everything the oracles need to know of the store's past.
#[derive(Debug, Default)]
pub struct Truth {
    pub heads: Vec<At<Head>>,
    pub commits: Vec<At<Commit>>,
    pub modes: Vec<At<ModeRecord>>,
    pub instances: Vec<At<InstanceRecord>>,
    /// The actions of commits that name an object, by commit id.
    pub stored: BTreeMap<Uuid, Vec<Action>>,
    /// The state that each switch brought, by commit id.
    pub switched: BTreeMap<Uuid, State>,
    /// Values that could not be read.
    pub damaged: Vec<String>,
}

impl Truth {
    /// Sorts the history of the coordination store. What lies in objects is added by the caller.
    pub fn from_history(history: &[Event], witness: &Witness) -> Truth {
        let mut truth = Truth::default();
        for event in history.iter().filter(|event| event.kind == EventKind::Put) {
            let key = String::from_utf8_lossy(&event.kv.key).into_owned();
            let mut parts = key.rsplit('/');
            let (last, parent) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            let read = match (parent, last) {
                ("log", _) => truth.add(event, witness, |truth| &mut truth.commits),
                ("instances", _) => truth.add(event, witness, |truth| &mut truth.instances),
                (_, "head") => truth.add(event, witness, |truth| &mut truth.heads),
                (_, "mode") => truth.add(event, witness, |truth| &mut truth.modes),
                _ => Ok(()),
            };
            if let Err(error) = read {
                truth.damaged.push(error.to_string());
            }
        }
        truth
    }

    fn add<T: serde::de::DeserializeOwned>(
        &mut self,
        event: &Event,
        witness: &Witness,
        list: impl Fn(&mut Truth) -> &mut Vec<At<T>>,
    ) -> Result<(), drydock_core::log::format::FormatError> {
        let value = decode(&event.kv.key, &event.kv.value)?;
        let revision = event.kv.mod_revision;
        let seq = witness.seq_of(revision);
        list(self).push(At { revision, seq, value });
        Ok(())
    }

    /// The actions of a commit; none for a switch.
    pub fn actions<'a>(&'a self, commit: &'a Commit) -> &'a [Action] {
        match &commit.body {
            Body::Actions(actions) => actions,
            Body::Object(_) => self.stored.get(&commit.id).map_or(&[], |actions| actions),
            Body::Switch { .. } => &[],
        }
    }

    /// The state after every commit, in order, each with its position. The first is empty, at 0.
    pub fn replay(&self, mut each: impl FnMut(u64, &State)) {
        self.replay_steps(|position, state, step| {
            if step == Step::Whole {
                each(position, state);
            }
        });
    }

    /// Also the states within a commit: it may hold several transactions, each of which saw the
    /// ones before it.
    pub fn replay_steps(&self, mut each: impl FnMut(u64, &State, Step)) {
        let mut state = State::new();
        each(0, &state, Step::Whole);
        for commit in &self.commits {
            let commit = &commit.value;
            if let Body::Switch { .. } = commit.body {
                state = self.switched.get(&commit.id).cloned().unwrap_or_default();
            }
            for action in self.actions(commit) {
                apply(&mut state, action);
                each(commit.position, &state, Step::Within);
            }
            each(commit.position, &state, Step::Whole);
        }
    }

    /// The position of `head` at an event.
    pub fn position_at(&self, seq: Seq) -> u64 {
        let before = self.heads.partition_point(|head| head.seq <= seq);
        let newest = before.checked_sub(1).map(|newest| &self.heads[newest]);
        newest.map_or(0, |head| head.value.position)
    }
}

pub fn apply(state: &mut State, action: &Action) {
    match action {
        Action::Put(object) => {
            let (key, value) = entry(object);
            state.insert(key, value);
        }
        Action::Delete { r#type, id } => {
            state.remove(&(r#type.clone(), *id));
        }
    }
}

/// An object as an entry of a state.
pub fn entry(object: &Object) -> ((String, Uuid), Value) {
    let value = serde_json::from_str(object.data.get()).unwrap_or(Value::Null);
    ((object.r#type.clone(), object.id), value)
}
