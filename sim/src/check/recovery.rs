//! I8: losing the coordination store loses no write acknowledged as archived, and of the others at
//! most those after the recovered position, which the status reports. I9 is implied: nobody helps.
//!
//! That no acknowledged write of a plan with `durability = "archived"` is among the lost ones is
//! found where writes are matched with the log, see `acked`.

use std::collections::BTreeMap;

use drydock_core::log::format::{Body, Commit, Reason};
use drydock_harness::record::Seq;
use uuid::Uuid;

use super::checkpoints::archived_at;
use super::exports::difference;
use super::{Checks, Evidence, Violation};
use crate::timeline::{At, State, Step, Timeline};

pub const ORACLE: &str = "I8 recovery";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let timeline = evidence.timeline;
    for missing in &timeline.missing {
        let sentence = "objects at the end are not enough to come back from";
        let fact = "what is published and archived must be readable";
        checks.violated(Violation::new(ORACLE, sentence, missing.clone(), fact));
    }
    let known: BTreeMap<Uuid, &At<Commit>> =
        timeline.commits.iter().map(|at| (at.value.id, at)).collect();
    for commit in recoveries(timeline) {
        checks.done(ORACLE, 1);
        recovered(timeline, commit, &known, checks);
    }
    states(timeline, checks);
    lost_tails(timeline, checks);
    reported(evidence, checks);
}

fn recoveries(timeline: &Timeline) -> impl Iterator<Item = &At<Commit>> {
    let all = timeline.commits.iter();
    all.filter(|at| matches!(at.value.body, Body::Switch { reason: Reason::Recovery }))
}

/// A recovery goes on from a commit that was, and says so.
fn recovered(
    timeline: &Timeline,
    commit: &At<Commit>,
    known: &BTreeMap<Uuid, &At<Commit>>,
    checks: &mut Checks,
) {
    let value = &commit.value;
    let fact = format!("position {} goes on from {}", value.position, value.previous);
    let mut broken = |sentence: &str, other: String| {
        checks.violated(Violation::new(ORACLE, sentence, fact.clone(), other));
    };
    let from = known.get(&value.previous).map(|from| from.value.position);
    let first_boot = timeline
        .heads
        .iter()
        .any(|head| head.value.position == 0 && head.value.commit == value.previous);
    match from {
        None if !first_boot => {
            broken("a recovery goes on from a commit that never was", String::new())
        }
        from if value.position != from.unwrap_or(0) + 1 => {
            broken("a recovery left a position out", format!("that one is at {from:?}"));
        }
        _ => {}
    }
    let said = timeline.recoveries.iter().find(|record| record.seq == commit.seq);
    let said = said.map(|record| record.value.position);
    if said != Some(value.position - 1) {
        broken("a recovery reports another position than it has", format!("it says {said:?}"));
    }
}

/// A recovery's checkpoint is the state that it goes on from.
fn states(timeline: &Timeline, checks: &mut Checks) {
    timeline.replay_steps(|place, state, step| {
        let switched = place.commit.and_then(|id| timeline.switched.get(&id));
        let (Step::Before, Some(switched)) = (step, switched) else { return };
        let commit = timeline.commits.iter().find(|at| Some(at.value.id) == place.commit);
        let recovery =
            |at: &At<Commit>| matches!(at.value.body, Body::Switch { reason: Reason::Recovery });
        if !commit.is_some_and(recovery) {
            return;
        }
        let differs: Option<String> = difference(switched, state as &State);
        if let Some(differs) = differs {
            checks.violated(Violation::new(
                ORACLE,
                "a recovery brought another state than that of its position",
                format!("it is at position {}", place.position),
                differs,
            ));
        }
    });
}

/// What was archived when a store ended is still part of the past in the end.
fn lost_tails(timeline: &Timeline, checks: &mut Checks) {
    let surviving = timeline.surviving();
    for era in 0..timeline.eras.saturating_sub(1) {
        let ended: Seq = timeline.began[era + 1];
        let archived = archived_at(timeline, era, ended);
        let of_era = timeline.commits.iter().filter(|at| at.era == era && at.seq <= ended);
        // Within an era a recovery may have given commits up before.
        let forked = of_era
            .clone()
            .filter(|at| matches!(at.value.body, Body::Switch { .. }))
            .map(|at| at.value.position)
            .next_back()
            .unwrap_or(0);
        for commit in of_era.filter(|at| at.value.position >= forked) {
            checks.done(ORACLE, 1);
            let value = &commit.value;
            // It holds no write: who recovers again goes on from where it did.
            let empty = matches!(value.body, Body::Switch { reason: Reason::Recovery });
            if value.position <= archived && !empty && !surviving.contains(&value.id) {
                checks.violated(Violation::new(
                    ORACLE,
                    "a commit that was archived was lost with its store",
                    format!("position {}, commit {}", value.position, value.id),
                    format!("`archived` was at position {archived}"),
                ));
                return;
            }
        }
    }
}

/// The status names the last recovery.
fn reported(evidence: &Evidence<'_>, checks: &mut Checks) {
    let Some(said) = evidence.final_state.recovered else { return };
    checks.done(ORACLE, 1);
    let last = evidence.timeline.recoveries.last().map(|record| record.value.position);
    if said != last {
        checks.violated(Violation::new(
            ORACLE,
            "the status does not name the last recovery",
            format!("it says {said:?}"),
            format!("the last one was at {last:?}"),
        ));
    }
}
