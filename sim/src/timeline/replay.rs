//! What really happened, from the coordination store's own history and the object store.
//!
//! The oracles read what happened from here and replay it with code of their own; of the product
//! only the formats are used.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use drydock_core::coord::{Event, EventKind, Revision};
use drydock_core::lineage::record::RecoveryRecord;
use drydock_core::log::format::{
    ArchivedRecord, Body, CheckpointRecord, Commit, FormatError, Head, InstanceRecord, ModeRecord,
    Mutation, Object, Reason, WritesRecord, decode,
};
use drydock_core::log::segment::Segment;
use drydock_harness::record::Seq;
use serde_json::Value;
use uuid::Uuid;

use crate::plan::Service;
use crate::timeline::versions::plain_commit;
use crate::timeline::{Moments, Past};

/// A value and when it came about.
#[derive(Debug, Clone)]
pub struct At<T> {
    /// Which store.
    pub era: usize,
    pub revision: Revision,
    pub seq: Seq,
    pub value: T,
}

/// Where a replay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What a commit's first action finds.
    Before,
    /// Within a commit: readers never see this.
    Within,
    Whole,
}

/// A state's place in a replay.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Grows with every state that was in force, also when positions go back.
    pub nth: usize,
    pub position: u64,
    /// The commit that made it; `None` before the first.
    pub commit: Option<Uuid>,
    /// Whether it came about by an import or a recovery, or by a store that was set back.
    pub jump: bool,
}

/// All objects of a service: by type, then id.
pub type State = BTreeMap<(String, Uuid), Value>;

/// The past of one service, as the oracles need it: in the order in which things happened, in all
/// coordination stores that there were.
#[derive(Debug, Default)]
pub struct Timeline {
    pub heads: Vec<At<Head>>,
    pub commits: Vec<At<Commit>>,
    pub modes: Vec<At<ModeRecord>>,
    pub instances: Vec<At<InstanceRecord>>,
    pub checkpoints: Vec<At<CheckpointRecord>>,
    pub archived: Vec<At<ArchivedRecord>>,
    pub recoveries: Vec<At<RecoveryRecord>>,
    /// The versions of the schema that were written.
    pub writes: Vec<At<WritesRecord>>,
    /// The instances whose leases ended, or that stopped.
    pub instance_ends: Vec<At<String>>,
    /// Positions of commits that were dropped from the log.
    pub trimmed: Vec<At<u64>>,
    /// What was there before anybody looked: the state at the first of `turns`.
    pub base: Option<(Head, State)>,
    /// The heads at which stores began, that did not begin empty.
    pub turns: Vec<At<Head>>,
    /// How many stores there were.
    pub eras: usize,
    /// When each of them began.
    pub began: Vec<Seq>,
    /// The actions of commits that name an object, by commit id.
    pub stored: BTreeMap<Uuid, Vec<Mutation>>,
    /// The state that each switch brought, by commit id.
    pub switched: BTreeMap<Uuid, State>,
    /// What the published checkpoints hold, or why they cannot be read.
    pub published: BTreeMap<(Uuid, u64), Result<(Uuid, State), String>>,
    /// All segments that ever were.
    pub segments: Vec<Archived>,
    /// All complete logs that were ever stored, by attempt and name: `ATTEMPT/OBJECT`.
    pub logs: BTreeMap<String, Bytes>,
    /// Those that are there at the end.
    pub logs_left: BTreeSet<String>,
    /// All archives that were ever stored, by the names that attempts give them.
    pub archives: BTreeMap<String, Bytes>,
    /// Those that are there at the end.
    pub archives_left: BTreeSet<String>,
    /// Values that could not be read.
    pub damaged: Vec<String>,
    /// What is missing in object storage at the end.
    pub missing: Vec<String>,
    /// `archived` moved when no segment held the commit yet.
    pub too_early: Vec<String>,
}

/// A segment as it was stored.
#[derive(Debug, Clone)]
pub struct Archived {
    pub name: String,
    pub segment: Segment,
}

impl Timeline {
    /// Sorts the history of a service in the coordination stores. What lies in objects is added by
    /// the caller.
    pub fn from_past(service: Service, past: &[Past], revisions: &dyn Moments) -> Timeline {
        let mut timeline = Timeline { eras: past.len(), ..Timeline::default() };
        for (era, store) in past.iter().enumerate() {
            timeline.began.push(revisions.began(era));
            let inherited = store.inherited.iter();
            let newest = inherited.filter_map(|event| Some((own_name(service, event)?, event)));
            timeline.turn(era, newest.collect(), revisions.began(era));
            for event in &store.events {
                let Some(name) = own_name(service, event) else { continue };
                let seq = revisions.seq_of(era, event.kv.mod_revision);
                if let Err(error) = timeline.sort(era, name, event, seq) {
                    timeline.damaged.push(error.to_string());
                }
            }
        }
        timeline
    }

    /// What a store that was set back held when it began is true from then on: of each name the
    /// newest event, which comes last.
    fn turn(&mut self, era: usize, newest: BTreeMap<&str, &Event>, began: Seq) {
        for (name, event) in newest {
            let names = ["head", "mode", "checkpoint", "archived", "recovery"];
            if event.kind == EventKind::Put
                && names.contains(&name)
                && let Err(error) = self.sort(era, name, event, began)
            {
                self.damaged.push(error.to_string());
            }
        }
        if let Some(head) = self.heads.last().filter(|head| head.era == era) {
            self.turns.push(head.clone());
        }
    }

    fn sort(&mut self, era: usize, name: &str, event: &Event, seq: Seq) -> Result<(), FormatError> {
        let (key, value, revision) = (&event.kv.key, &event.kv.value, event.kv.mod_revision);
        if event.kind == EventKind::Delete {
            if let Some(("log", position)) = name.split_once('/')
                && let Ok(value) = position.parse()
            {
                self.trimmed.push(At { era, revision, seq, value });
            }
            if let Some(("instances", id)) = name.split_once('/') {
                self.instance_ends.push(At { era, revision, seq, value: id.to_owned() });
            }
            return Ok(());
        }
        match (name, name.split_once('/')) {
            (_, Some(("log", _))) => {
                let value = plain_commit(decode(key, value)?);
                self.commits.push(At { era, revision, seq, value });
            }
            (_, Some(("instances", _))) => {
                self.instances.push(At { era, revision, seq, value: decode(key, value)? });
            }
            ("head", _) => self.heads.push(At { era, revision, seq, value: decode(key, value)? }),
            ("mode", _) => self.modes.push(At { era, revision, seq, value: decode(key, value)? }),
            ("checkpoint", _) => {
                self.checkpoints.push(At { era, revision, seq, value: decode(key, value)? });
            }
            ("archived", _) => {
                let value: ArchivedRecord = decode(key, value)?;
                // A lineage that begins promises nothing.
                if value.is_published() {
                    self.archived.push(At { era, revision, seq, value });
                }
            }
            ("writes", _) => {
                self.writes.push(At { era, revision, seq, value: decode(key, value)? });
            }
            ("recovery", _) => {
                self.recoveries.push(At { era, revision, seq, value: decode(key, value)? });
            }
            _ => {}
        }
        Ok(())
    }

    /// Nothing is known of what led to this position.
    pub fn base_position(&self) -> u64 {
        self.base.as_ref().map_or(0, |(head, _)| head.position)
    }

    /// Whether nothing is known of the state at a position.
    pub fn is_before_base(&self, position: u64) -> bool {
        position < self.base_position()
    }

    /// The actions of a commit; none for a switch.
    pub fn actions<'a>(&'a self, commit: &'a Commit) -> &'a [Mutation] {
        match &commit.body {
            Body::Mutations(actions) => actions,
            Body::Object(_) => self.stored.get(&commit.id).map_or(&[], |actions| actions),
            Body::Switch { .. } => &[],
        }
    }

    /// The state after every commit, in order. The first is empty, at position 0.
    pub fn replay(&self, mut each: impl FnMut(Place, &State)) {
        self.replay_steps(|place, state, step| {
            if step == Step::Whole {
                each(place, state);
            }
        });
    }

    /// Also the states within a commit: it may hold several transactions, each of which saw the
    /// ones before it.
    pub fn replay_steps(&self, mut each: impl FnMut(Place, &State, Step)) {
        let mut saved = self.gone_back_to();
        let mut state = State::new();
        let mut at = Place { nth: 0, position: 0, commit: None, jump: false };
        let mut turns = self.turns.iter().peekable();
        each(at, &state, Step::Whole);
        for commit in &self.commits {
            while let Some(turn) = turns.next_if(|turn| turn.seq < commit.seq) {
                state = saved.get(&turn.value.commit).cloned().flatten().unwrap_or_default();
                let (position, id) = (turn.value.position, Some(turn.value.commit));
                at = Place { nth: at.nth + 1, position, commit: id, jump: true };
                each(at, &state, Step::Whole);
            }
            let commit = &commit.value;
            let goes_on = at.commit.is_none_or(|before| before == commit.previous);
            at = Place {
                nth: at.nth + 1,
                position: commit.position,
                commit: Some(commit.id),
                jump: !goes_on || matches!(commit.body, Body::Switch { .. }),
            };
            if !goes_on {
                state = saved.get(&commit.previous).cloned().flatten().unwrap_or_default();
            }
            if let Body::Switch { reason: Reason::Import | Reason::Restore } = commit.body {
                state = self.switched.get(&commit.id).cloned().unwrap_or_default();
            }
            each(at, &state, Step::Before);
            for action in self.actions(commit) {
                apply(&mut state, action);
                each(at, &state, Step::Within);
            }
            each(at, &state, Step::Whole);
            if let Some(saved) = saved.get_mut(&commit.id) {
                *saved = Some(state.clone());
            }
        }
        for turn in turns {
            state = saved.get(&turn.value.commit).cloned().flatten().unwrap_or_default();
            let (position, id) = (turn.value.position, Some(turn.value.commit));
            at = Place { nth: at.nth + 1, position, commit: id, jump: true };
            each(at, &state, Step::Whole);
        }
    }

    /// The commits that something other than the next commit follows.
    fn gone_back_to(&self) -> BTreeMap<Uuid, Option<State>> {
        let turned: BTreeSet<Uuid> = self.turns.iter().map(|turn| turn.value.commit).collect();
        let jumps = self.commits.windows(2).filter_map(|pair| {
            let goes_on = pair[1].value.previous == pair[0].value.id;
            // Between two stores something else may have been in force.
            (!goes_on || pair[0].era != pair[1].era).then_some(pair[1].value.previous)
        });
        let mut saved: BTreeMap<_, _> = jumps.chain(turned).map(|id| (id, None)).collect();
        if let Some((head, state)) = &self.base {
            saved.insert(head.commit, Some(state.clone()));
        }
        saved
    }

    /// The number of the state in force at an event, see [`Place::nth`].
    pub fn nth_at(&self, seq: Seq) -> usize {
        let commits = self.commits.partition_point(|commit| commit.seq <= seq);
        commits + self.turns.partition_point(|turn| turn.seq <= seq)
    }

    /// The commits that are still part of the past at the end, by id.
    pub fn surviving(&self) -> BTreeSet<Uuid> {
        let by_id: BTreeMap<Uuid, Uuid> =
            self.commits.iter().map(|at| (at.value.id, at.value.previous)).collect();
        let mut surviving = BTreeSet::new();
        let mut at = self.heads.last().map(|head| head.value.commit);
        while let Some(id) = at.filter(|id| by_id.contains_key(id) && surviving.insert(*id)) {
            at = by_id.get(&id).copied();
        }
        surviving
    }
}

pub fn apply(state: &mut State, action: &Mutation) {
    match action {
        Mutation::Put(object) => {
            let (key, value) = entry(object);
            state.insert(key, value);
        }
        Mutation::Delete { r#type, id } => {
            state.remove(&(r#type.clone(), *id));
        }
    }
}

/// An object as an entry of a state.
pub fn entry(object: &Object) -> ((String, Uuid), Value) {
    let value = serde_json::from_str(object.data.get()).unwrap_or(Value::Null);
    ((object.r#type.clone(), object.id), value)
}

/// What the key of an event is called within the service: `drydock/CLUSTER/SERVICE/NAME`.
fn own_name(service: Service, event: &Event) -> Option<&str> {
    let mut parts = std::str::from_utf8(&event.kv.key).ok()?.splitn(4, '/').skip(2);
    let (owner, name) = (parts.next()?, parts.next()?);
    (owner == service.name()).then_some(name)
}

#[cfg(test)]
mod tests {
    use drydock_core::coord::KeyValue;

    use super::*;

    #[test]
    fn a_key_belongs_to_the_service_that_it_names() {
        let own = |key: &'static str| {
            let kv = KeyValue {
                key: Bytes::from_static(key.as_bytes()),
                value: Bytes::new(),
                create_revision: 1,
                mod_revision: 1,
                version: 1,
                lease: None,
            };
            let event = Event { kind: EventKind::Put, kv, prev: None };
            own_name(Service::Configstore, &event).map(str::to_owned)
        };
        assert_eq!(own("drydock/sim/configstore/head").as_deref(), Some("head"));
        assert_eq!(own("drydock/sim/configstore/log/007").as_deref(), Some("log/007"));
        assert_eq!(own("drydock/sim/other/head"), None);
        assert_eq!(own("drydock/sim/check/1"), None);
    }
}
