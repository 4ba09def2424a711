//! What was seen, as evidence.

use std::collections::{BTreeMap, BTreeSet};

use drydock_core::env::Env;
use drydock_core::log::format::{Commit, Head, decode};
use drydock_core::log::keys::ObjectKeys;
use drydock_core::log::segment;
use drydock_core::objects::Objects;
use drydock_core::store::Durability;
use uuid::Uuid;

use super::deployment::Inside;
use super::etcd_log::FinishedLog;
use super::object_copy::ObjectCopy;
use crate::check::{self, Checks, Evidence};
use crate::history::Operation;
use crate::plan::Service;
use crate::timeline::export::Export;
use crate::timeline::{At, FinalState, Stored, Timeline};

/// What the outside saw.
pub struct Seen<'a> {
    /// The addresses of the instances.
    pub instances: &'a [String],
    pub operations: &'a [Operation],
    pub final_state: &'a FinalState,
    /// The state before the first call.
    pub base: Export,
    /// The position of the last recovery before the first call, if there was one.
    pub recovered: Option<u64>,
}

/// What the inside saw.
pub struct Looked<'a> {
    pub inside: &'a Inside,
    pub finished: FinishedLog,
    pub object_copy: ObjectCopy,
    pub env: Env,
    pub keys: ObjectKeys,
}

/// Asks the oracles that need nothing from the inside.
pub fn outside(seen: Seen<'_>, why: &str) -> Checks {
    let head = Head {
        lineage: seen.base.lineage,
        position: seen.base.position,
        commit: seen.base.lineage,
    };
    let recovered = seen.recovered_meanwhile();
    let first = At { era: 0, revision: 0, seq: 0, value: head };
    let timeline = Timeline {
        eras: 1,
        began: vec![0],
        heads: vec![first.clone()],
        turns: vec![first],
        base: Some((head, seen.base.state)),
        ..Timeline::default()
    };
    let evidence = Evidence {
        operations: seen.operations,
        exact: seen.operations,
        exactly: &|seq| (seq, seq),
        service: Service::Configstore,
        instances: seen.instances,
        timeline: &timeline,
        final_state: seen.final_state,
        keys: &crate::plan::identity::keys(),
        durability: Durability::Quorum,
        unarchived: 0,
        injected: false,
        log: None,
    };
    let mut checks = check::outside(&evidence, why);
    if let Some(position) = recovered {
        let text = format!("the store was recovered at position {position}, nobody saw when");
        checks.violations.retain(|found| found.oracle != check::linearizable::ORACLE);
        checks.not_judged(check::linearizable::ORACLE, &text);
    }
    checks
}

impl Seen<'_> {
    /// The position of a recovery after the first call.
    fn recovered_meanwhile(&self) -> Option<u64> {
        let last = self.final_state.recovered.unwrap_or(self.recovered);
        last.filter(|_| last != self.recovered)
    }
}

/// Asks every oracle.
pub async fn inside(seen: Seen<'_>, looked: Looked<'_>) -> Checks {
    let Looked { inside, finished, object_copy, env, keys } = looked;
    let mut timeline = Timeline::from_past(Service::Configstore, &finished.past, &finished);
    if let Some(first) = timeline.turns.first() {
        timeline.base = Some((first.value, seen.base.state));
    }
    let stored = Stored {
        object_history: object_copy.object_history,
        left: inside.objects.clone(),
        env,
        keys,
    };
    unseen(&stored, &finished, &mut timeline).await;
    stored.add(&mut timeline).await;
    let archived = inside.durability == Durability::Archived;
    let placed = seen.operations.iter().map(|operation| finished.place(operation));
    let placed: Vec<Operation> =
        placed.filter_map(|placed| finished.judged(placed, archived)).collect();
    check::all(&Evidence {
        operations: &placed,
        exact: seen.operations,
        exactly: &|seq| finished.exactly(seq),
        service: Service::Configstore,
        instances: seen.instances,
        timeline: &timeline,
        final_state: seen.final_state,
        keys: &inside.keys,
        durability: inside.durability,
        unarchived: inside.unarchived,
        injected: false,
        log: None,
    })
}

/// Commits that a store had when it was lost, and that are known from segments only.
async fn unseen(stored: &Stored, finished: &FinishedLog, timeline: &mut Timeline) {
    let objects = &Objects::new(stored.object_history.objects.clone(), stored.env.clone());
    let lineages: BTreeSet<Uuid> = timeline.heads.iter().map(|head| head.value.lineage).collect();
    let mut next: BTreeMap<(Uuid, Uuid), Commit> = BTreeMap::new();
    for lineage in lineages {
        let spans = segment::list(objects, &stored.keys, lineage, 0).await.unwrap_or_default();
        for span in spans {
            // One that cannot be read is found by the oracles.
            if let Ok(found) = segment::read(objects, &stored.keys, lineage, span).await {
                let commits = found.commits.into_iter();
                next.extend(commits.map(|commit| ((commit.lineage, commit.previous), commit)));
            }
        }
    }
    for era in 0..timeline.eras.saturating_sub(1) {
        let mut heads = timeline.heads.iter().filter(|head| head.era == era);
        let Some(mut at) = heads.next_back().map(|head| head.value) else { continue };
        let end = timeline.commits.partition_point(|commit| commit.era <= era);
        let mut found = Vec::new();
        while let Some(commit) = next.remove(&(at.lineage, at.commit)) {
            let (revision, seq) = finished.unseen(era, found.len() + 1);
            at = commit.head();
            found.push(At { era, revision, seq, value: commit });
        }
        timeline.commits.splice(end..end, found);
    }
}

/// The head among what was there at the beginning.
pub fn head(taped_first: &[drydock_core::coord::Event], service: &str) -> Option<Head> {
    let wanted = format!("/{service}/head");
    let found = taped_first.iter().find(|event| event.kv.key.ends_with(wanted.as_bytes()))?;
    decode(&found.kv.key, &found.kv.value).ok()
}
