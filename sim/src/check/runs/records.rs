//! The objects of runservice, typed, commit by commit.

use std::collections::{BTreeMap, BTreeSet};

use drydock_core::log::format::{Commit, ModeRecord, Mutation};
use drydock_harness::record::Seq;
use drydock_runservice::record::{
    Attempt, Era, Executor, ResumeGate, Run, RunCounter, RunDefinition, Task,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::timeline::{At, Place, State, Step, Timeline};

/// All objects that the oracles look at, by id.
#[derive(Debug, Clone, Default)]
pub struct Records {
    pub executors: BTreeMap<Uuid, Executor>,
    pub counters: BTreeMap<Uuid, RunCounter>,
    pub definitions: BTreeMap<Uuid, RunDefinition>,
    pub runs: BTreeMap<Uuid, Run>,
    pub tasks: BTreeMap<Uuid, Task>,
    pub attempts: BTreeMap<Uuid, Attempt>,
    pub gate: Option<ResumeGate>,
    /// The first one that could not be read.
    pub damaged: Option<String>,
}

/// A state, and what its commit changed.
pub struct StateChange<'a> {
    pub place: Place,
    /// When it came about.
    pub seq: Seq,
    pub now: &'a Records,
    /// What was there before of everything that was changed.
    pub before: &'a Records,
    /// The runs of which something changed; after a jump all.
    pub touched: &'a BTreeSet<Uuid>,
    /// The objects that were made or changed; after a jump none.
    pub changed: &'a BTreeSet<Uuid>,
    /// The era of its commit; absent before the first maintenance.
    pub era: Option<Era>,
}

impl StateChange<'_> {
    pub fn at(&self) -> String {
        format!("the state at position {}", self.place.position)
    }

    /// The runs that were made or changed, as they are now.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.touched.iter().filter_map(|id| self.now.runs.get(id))
    }

    /// The attempts that were made or changed: before, if they were there, and now.
    pub fn attempts(&self) -> impl Iterator<Item = (Option<&Attempt>, &Attempt)> {
        let now = self.changed.iter().filter_map(|id| self.now.attempts.get(id));
        now.map(|attempt| (self.before.attempts.get(&attempt.id.0), attempt))
    }
}

impl Records {
    pub fn tasks_of(&self, run: &Run) -> Vec<&Task> {
        self.tasks.values().filter(|task| task.run == run.id).collect()
    }

    pub fn live_attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.values().filter(|attempt| !attempt.phase.is_final())
    }

    fn put(&mut self, kind: &str, id: Uuid, value: &Value) {
        let damaged = match kind {
            "executors" => take(&mut self.executors, id, value),
            "run_counters" => take(&mut self.counters, id, value),
            "run_definitions" => take(&mut self.definitions, id, value),
            "runs" => take(&mut self.runs, id, value),
            "tasks" => take(&mut self.tasks, id, value),
            "attempts" => take(&mut self.attempts, id, value),
            "gates" => match ResumeGate::deserialize(value) {
                Ok(gate) => {
                    self.gate = Some(gate);
                    None
                }
                Err(error) => Some(error.to_string()),
            },
            _ => None,
        };
        self.damaged = self.damaged.take().or(damaged.map(|why| format!("{kind} {id}: {why}")));
    }

    fn remove(&mut self, kind: &str, id: Uuid) {
        match kind {
            "executors" => drop(self.executors.remove(&id)),
            "runs" => drop(self.runs.remove(&id)),
            "tasks" => drop(self.tasks.remove(&id)),
            "attempts" => drop(self.attempts.remove(&id)),
            "gates" => self.gate = None,
            _ => {}
        }
    }

    /// The run that an object belongs to.
    fn run_of(&self, kind: &str, id: Uuid) -> Option<Uuid> {
        match kind {
            "runs" => Some(id),
            "tasks" => self.tasks.get(&id).map(|task| task.run.0),
            "attempts" => self.attempts.get(&id).map(|attempt| attempt.run.0),
            _ => None,
        }
    }

    /// Copies an object from another state.
    fn copy(&mut self, from: &Records, kind: &str, id: Uuid) {
        match kind {
            "executors" => {
                self.executors.extend(from.executors.get(&id).map(|it| (id, it.clone())))
            }
            "runs" => self.runs.extend(from.runs.get(&id).map(|it| (id, it.clone()))),
            "tasks" => self.tasks.extend(from.tasks.get(&id).map(|it| (id, it.clone()))),
            "gates" => self.gate.clone_from(&from.gate),
            "attempts" => self.attempts.extend(from.attempts.get(&id).map(|it| (id, it.clone()))),
            _ => {}
        }
    }
}

fn take<T: DeserializeOwned>(
    into: &mut BTreeMap<Uuid, T>,
    id: Uuid,
    value: &Value,
) -> Option<String> {
    match T::deserialize(value) {
        Ok(object) => {
            into.insert(id, object);
            None
        }
        Err(error) => Some(error.to_string()),
    }
}

/// Shows every state, in order.
pub fn walk(timeline: &Timeline, mut each: impl FnMut(&StateChange<'_>)) {
    let by_id: BTreeMap<Uuid, &At<Commit>> =
        timeline.commits.iter().map(|commit| (commit.value.id, commit)).collect();
    let eras = Eras::of_timeline(timeline);
    let mut now = Records::default();
    timeline.replay_steps(|place, state, step| {
        if step != Step::Whole {
            return;
        }
        let commit = place.commit.and_then(|id| by_id.get(&id));
        let mut before = Records::default();
        let (mut touched, mut changed) = (BTreeSet::new(), BTreeSet::new());
        match commit {
            Some(commit) if !place.jump => {
                for action in timeline.actions(&commit.value) {
                    let (kind, id) = match action {
                        Mutation::Put(object) => (&*object.r#type, object.id),
                        Mutation::Delete { r#type, id } => (&**r#type, *id),
                    };
                    before.copy(&now, kind, id);
                    changed.insert(id);
                    touched.extend(now.run_of(kind, id));
                }
                // A commit may change an object more than once: its last version counts.
                for action in timeline.actions(&commit.value) {
                    let (kind, id) = match action {
                        Mutation::Put(object) => (&object.r#type, object.id),
                        Mutation::Delete { r#type, id } => (r#type, *id),
                    };
                    match state.get(&(kind.clone(), id)) {
                        Some(value) => now.put(kind, id, value),
                        None => now.remove(kind, id),
                    }
                    touched.extend(now.run_of(kind, id));
                }
            }
            _ => {
                now = whole(state);
                touched = now.runs.keys().copied().collect();
            }
        }
        let seq = commit.map_or(0, |commit| commit.seq);
        let era = commit.and_then(|commit| eras.of(commit));
        let (touched, changed) = (&touched, &changed);
        each(&StateChange { place, seq, now: &now, before: &before, touched, changed, era });
    });
}

/// In which lineage each commit was made, and in which generation of the mode.
struct Eras<'a> {
    lineages: BTreeMap<Uuid, Uuid>,
    modes: &'a [At<ModeRecord>],
}

impl Eras<'_> {
    fn of_timeline(timeline: &Timeline) -> Eras<'_> {
        let heads = timeline.heads.iter().map(|head| (head.value.commit, head.value.lineage));
        Eras { lineages: heads.collect(), modes: &timeline.modes }
    }

    fn of(&self, commit: &At<Commit>) -> Option<Era> {
        let before = |mode: &&At<ModeRecord>| mode.seq <= commit.seq;
        let mode = self.modes.iter().rev().find(before)?;
        let lineage = *self.lineages.get(&commit.value.id)?;
        let generation = mode.value.generation;
        (generation > 0).then_some(Era { lineage, generation })
    }
}

fn whole(state: &State) -> Records {
    let mut records = Records::default();
    for ((kind, id), value) in state {
        records.put(kind, *id, value);
    }
    records
}
