//! I12: at most one run of a group is running, runs of a group start in the order of their
//! creation, and an idle group has no run that waits for nothing. After maintenance they take
//! tokens of the resume gate.

use std::collections::BTreeSet;

use drydock_api::runservice::types::{Group, Phase};
use drydock_runservice::record::Run;

use super::records::Moment;
use super::{Checks, Violation};

pub const ORACLE: &str = "I12 groups";

pub fn look(moment: &Moment<'_>, checks: &mut Checks) {
    if let Some(fact) = ungated(moment) {
        let sentence = "a run was started past the resume gate";
        checks.violated(Violation::new(ORACLE, sentence, moment.at(), fact));
    }
    let groups: BTreeSet<&Group> = moment.runs().map(|run| &run.group).collect();
    for group in groups {
        checks.done(ORACLE, 1);
        if let Some((sentence, fact)) = problem(moment, group) {
            let fact = format!("group {group}: {fact}");
            checks.violated(Violation::new(ORACLE, sentence, moment.at(), fact));
        }
    }
}

/// Whether no gate holds queued runs back.
fn is_open(moment: &Moment<'_>) -> bool {
    match &moment.now.gate {
        // A switch of the lineage brings the gate of another era, or none.
        _ if moment.place.jump => false,
        None => true,
        Some(gate) => gate.opened && gate.era == moment.era,
    }
}

/// After a switch of the mode or of the lineage a run that starts takes a token from the gate of
/// that time.
fn ungated(moment: &Moment<'_>) -> Option<String> {
    let is_running = |run: &&Run| run.phase != Phase::Queued && run.started_at.is_some();
    let new = moment.runs().filter(|run| moment.changed.contains(&run.id.0)).filter(is_running);
    let started = new.filter(|run| {
        let before = moment.before.runs.get(&run.id.0);
        before.is_none_or(|before| before.started_at.is_none())
    });
    let started = started.count() as u64;
    let era = moment.era.filter(|_| started > 0 && !moment.place.jump)?;
    let Some(gate) = moment.now.gate.as_ref().filter(|gate| gate.era == Some(era)) else {
        return Some(format!("{started} runs, and the gate is {:?}", moment.now.gate));
    };
    let before = moment.before.gate.as_ref().filter(|before| before.era == Some(era));
    let unchanged = !moment.changed.contains(&gate.id);
    let taken = match before {
        Some(before) => gate.taken - before.taken,
        None if unchanged => 0,
        None => gate.taken,
    };
    (!gate.opened && taken < started).then(|| format!("{started} runs, {taken} tokens"))
}

fn problem(moment: &Moment<'_>, group: &Group) -> Option<(&'static str, String)> {
    let of_group: Vec<&Run> = moment.now.runs.values().filter(|run| run.group == *group).collect();
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
        && is_open(moment)
    {
        let fact = format!("run {} is queued, none is running", next.id);
        return Some(("a run of an idle group was not started", fact));
    }
    let started = |run: &&&Run| {
        let before = moment.before.runs.get(&run.id.0);
        moment.changed.contains(&run.id.0)
            && before.is_none_or(|before| before.phase == Phase::Queued)
    };
    let overtaken = first.filter(started).zip(next);
    let (started, waits) = overtaken.filter(|(started, waits)| waits.place < started.place)?;
    let fact = format!("run {} started before run {}", started.id, waits.id);
    Some(("a run started before an older one of its group", fact))
}
