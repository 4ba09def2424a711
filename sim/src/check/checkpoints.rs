//! I3, and what else must agree with the log: a published checkpoint never goes backwards and is
//! the state at its position; segments hold the log's commits and are there before `archived` says
//! so; nothing is trimmed that is not archived; the part of the log that is not archived is
//! bounded.

use std::collections::{BTreeMap, BTreeSet};

use drydock_core::coord::Revision;
use drydock_core::log::ballot::Ballot;
use drydock_core::log::format::{Body, Commit, Reason, encode};
use drydock_core::log::keys::Span;
use drydock_harness::record::Seq;
use uuid::Uuid;

use super::exports::difference;
use super::{Checks, Evidence, Violation};
use crate::timeline::{At, State, Timeline};

pub const ORACLE: &str = "I3 checkpoints";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let timeline = evidence.timeline;
    forwards(timeline, checks);
    published(timeline, checks);
    segments(timeline, checks);
    trimmed(timeline, checks);
    bounded(evidence, checks);
    for early in &timeline.too_early {
        let fact = "no segment held that commit then";
        let sentence = "the log was called archived before it was";
        checks.violated(Violation::new(ORACLE, sentence, early.clone(), fact));
    }
}

fn forwards(timeline: &Timeline, checks: &mut Checks) {
    let checkpoints =
        timeline.checkpoints.iter().map(|at| (at.era, at.revision, at.value.position));
    never_back(checks, "checkpoint", checkpoints.collect());
    let archived = timeline.archived.iter().map(|at| (at.era, at.revision, at.value.position));
    never_back(checks, "archived", archived.collect());
}

fn never_back(checks: &mut Checks, key: &str, moves: Vec<(usize, Revision, u64)>) {
    for pair in moves.windows(2) {
        checks.done(ORACLE, 1);
        let [(era, before, from), (same, after, to)] = [pair[0], pair[1]];
        if era == same && to < from {
            checks.violated(Violation::new(
                ORACLE,
                format!("`{key}` went backwards"),
                format!("revision {before} sets it to position {from}"),
                format!("revision {after} sets it to position {to}"),
            ));
        }
    }
}

fn published(timeline: &Timeline, checks: &mut Checks) {
    let mut wanted: BTreeMap<Uuid, ((Uuid, u64), &State)> = BTreeMap::new();
    for (at, found) in &timeline.published {
        if timeline.is_before_base(at.1) {
            continue;
        }
        checks.done(ORACLE, 1);
        match found {
            Ok((commit, state)) => drop(wanted.insert(*commit, (*at, state))),
            Err(why) => checks.violated(Violation::new(
                ORACLE,
                "a checkpoint was published that cannot be read",
                format!("lineage {}, position {}", at.0, at.1),
                why.clone(),
            )),
        }
    }
    timeline.replay(|place, timeline| {
        let found = place.commit.and_then(|id| wanted.remove(&id));
        let Some(((lineage, position), state)) = found else { return };
        let differs = match difference(state, timeline) {
            None if position != place.position => {
                Some(format!("its commit is at position {}", place.position))
            }
            difference => difference,
        };
        if let Some(differs) = differs {
            checks.violated(Violation::new(
                ORACLE,
                "a published checkpoint is not the state at its position",
                format!("lineage {lineage}, position {position}"),
                differs,
            ));
        }
    });
    for (commit, (at, _)) in wanted {
        checks.violated(Violation::new(
            ORACLE,
            "a checkpoint was published of a commit that never was",
            format!("lineage {}, position {}", at.0, at.1),
            format!("it names commit {commit}"),
        ));
    }
}

fn segments(timeline: &Timeline, checks: &mut Checks) {
    let log: BTreeMap<Uuid, &Commit> =
        timeline.commits.iter().map(|at| (at.value.id, &at.value)).collect();
    // In a store that was set back an archiver may have begun on another course, and must not have
    // ended: see `recovery::lost_tails`. Each has a ballot.
    let mut places: BTreeMap<(Uuid, u64, Option<Ballot>), (Uuid, &str)> = BTreeMap::new();
    for stored in &timeline.segments {
        for commit in &stored.segment.commits {
            if commit.position <= timeline.base_position() {
                continue;
            }
            checks.done(ORACLE, 1);
            let known = log.get(&commit.id).map(|known| encode(*known));
            if known != Some(encode(commit)) {
                checks.violated(Violation::new(
                    ORACLE,
                    "a segment holds a commit that the log does not have",
                    stored.name.clone(),
                    format!("commit {} at position {}", commit.id, commit.position),
                ));
            }
            let name = stored.name.rsplit('/').next().and_then(Span::parse);
            let ballot = name.map(|span| span.ballot).filter(|_| timeline.eras > 1);
            let place = (commit.lineage, commit.position, ballot);
            let (first, name) = places.entry(place).or_insert((commit.id, &stored.name));
            if *first != commit.id {
                checks.violated(Violation::new(
                    ORACLE,
                    "two segments of a lineage hold different commits at one position",
                    format!("position {} of {} is {first} in {name}", place.1, place.0),
                    format!("it is {} in {}", commit.id, stored.name),
                ));
            }
        }
    }
}

fn trimmed(timeline: &Timeline, checks: &mut Checks) {
    let recovered: BTreeSet<Seq> = timeline
        .commits
        .iter()
        .filter(|at| matches!(at.value.body, Body::Switch { reason: Reason::Recovery }))
        .map(|at| at.seq)
        .collect();
    for trim in timeline.trimmed.iter().filter(|trim| !recovered.contains(&trim.seq)) {
        checks.done(ORACLE, 1);
        let archived = archived_at(timeline, trim.era, trim.seq);
        if trim.value > archived {
            checks.violated(Violation::new(
                ORACLE,
                "a commit was trimmed that is not archived",
                format!("revision {} removes position {}", trim.revision, trim.value),
                format!("`archived` was at position {archived} then"),
            ));
        }
    }
}

/// How far the log was archived, by what one store knew at an event.
pub fn archived_at(timeline: &Timeline, era: usize, seq: Seq) -> u64 {
    let known = timeline.archived.iter().filter(|at| at.era == era && at.seq <= seq);
    known.map(|at| at.value.position).max().unwrap_or(0)
}

fn bounded(evidence: &Evidence<'_>, checks: &mut Checks) {
    let timeline = evidence.timeline;
    // An instance may still know how far another store was archived.
    let first: Vec<&At<Commit>> = timeline.commits.iter().filter(|at| at.era == 0).collect();
    let mut archived = timeline.archived.iter().filter(|at| at.era == 0).peekable();
    let mut reached = 0;
    for commit in first {
        while let Some(at) = archived.next_if(|at| at.seq <= commit.seq) {
            reached = reached.max(at.value.position);
        }
        checks.done(ORACLE, 1);
        let waiting = commit.value.position.saturating_sub(reached);
        if waiting > evidence.unarchived {
            checks.violated(Violation::new(
                ORACLE,
                "more commits wait to be archived than may",
                format!("position {} was committed", commit.value.position),
                format!("`archived` was at {reached}, the bound is {}", evidence.unarchived),
            ));
            return;
        }
    }
}
