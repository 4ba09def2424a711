//! I12: at most one run of a group is running, runs of a group start in the order of their
//! creation, and an idle group has no run that waits for nothing. After maintenance they take
//! tokens of the resume gate.

use std::collections::BTreeSet;

use drydock_api::runservice::types::{Group, Phase};
use drydock_runservice::record::Run;

use super::records::StateChange;
use super::{Checks, Violation};

pub const ORACLE: &str = "I12 groups";

pub fn look(change: &StateChange<'_>, checks: &mut Checks) {
    if let Some(fact) = ungated(change) {
        let sentence = "a run was started past the resume gate";
        checks.violated(Violation::new(ORACLE, sentence, change.at(), fact));
    }
    let groups: BTreeSet<&Group> = change.runs().map(|run| &run.group).collect();
    for group in groups {
        checks.done(ORACLE, 1);
        if let Some((sentence, fact)) = problem(change, group) {
            let fact = format!("group {group}: {fact}");
            checks.violated(Violation::new(ORACLE, sentence, change.at(), fact));
        }
    }
}

/// Whether no gate holds queued runs back.
fn is_open(change: &StateChange<'_>) -> bool {
    match &change.now.gate {
        // A switch of the lineage brings the gate of another era, or none.
        _ if change.place.jump => false,
        None => true,
        Some(gate) => gate.opened && gate.era == change.era,
    }
}

/// After a switch of the mode or of the lineage a run that starts takes a token from the gate of
/// that time.
fn ungated(change: &StateChange<'_>) -> Option<String> {
    let is_running = |run: &&Run| run.phase != Phase::Queued && run.started_at.is_some();
    let new = change.runs().filter(|run| change.changed.contains(&run.id.0)).filter(is_running);
    let started = new.filter(|run| {
        let before = change.before.runs.get(&run.id.0);
        before.is_none_or(|before| before.started_at.is_none())
    });
    let started = started.count() as u64;
    let era = change.era.filter(|_| started > 0 && !change.place.jump)?;
    let Some(gate) = change.now.gate.as_ref().filter(|gate| gate.era == Some(era)) else {
        return Some(format!("{started} runs, and the gate is {:?}", change.now.gate));
    };
    let before = change.before.gate.as_ref().filter(|before| before.era == Some(era));
    let unchanged = !change.changed.contains(&gate.id);
    let taken = match before {
        Some(before) => gate.taken - before.taken,
        None if unchanged => 0,
        None => gate.taken,
    };
    (!gate.opened && taken < started).then(|| format!("{started} runs, {taken} tokens"))
}

fn problem(change: &StateChange<'_>, group: &Group) -> Option<(&'static str, String)> {
    let of_group: Vec<&Run> = change.now.runs.values().filter(|run| run.group == *group).collect();
    let in_phase = |phase: Phase| of_group.iter().filter(move |run| run.phase == phase);
    let mut running = in_phase(Phase::Running);
    let first = running.next();
    if let (Some(one), Some(other)) = (first, running.next()) {
        let fact = format!("runs {} and {}", one.id, other.id);
        return Some(("two runs of a group are running", fact));
    }
    let next = in_phase(Phase::Queued).min_by_key(|run| run.place);
    let is_held = of_group.iter().any(|run| run.group_held_until.is_some());
    if let (None, Some(next)) = (first, next)
        && !is_held
        && is_open(change)
    {
        let fact = format!("run {} is queued, none is running", next.id);
        return Some(("a run of an idle group was not started", fact));
    }
    let started = |run: &&&Run| {
        let before = change.before.runs.get(&run.id.0);
        change.changed.contains(&run.id.0)
            && before.is_none_or(|before| before.phase == Phase::Queued)
    };
    let overtaken = first.filter(started).zip(next);
    let (started, waits) = overtaken.filter(|(started, waits)| waits.place < started.place)?;
    let fact = format!("run {} started before run {}", started.id, waits.id);
    Some(("a run started before an older one of its group", fact))
}
