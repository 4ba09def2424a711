//! I12: at most one run of a group is running, runs of a group start in the order of their
//! creation, and an idle group has no run that waits for nothing.

use std::collections::BTreeSet;

use drydock_api::runservice::types::{Group, Phase};
use drydock_runservice::record::Run;

use super::records::Moment;
use super::{Checks, Violation};

pub const ORACLE: &str = "I12 groups";

/// `switched`: whether the mode was ever switched. After that queued runs wait for the resume gate.
pub fn look(moment: &Moment<'_>, switched: bool, checks: &mut Checks) {
    let groups: BTreeSet<&Group> = moment.runs().map(|run| &run.group).collect();
    for group in groups {
        checks.done(ORACLE, 1);
        if let Some((sentence, fact)) = problem(moment, switched, group) {
            let fact = format!("group {group}: {fact}");
            checks.violated(Violation::new(ORACLE, sentence, moment.at(), fact));
        }
    }
}

fn problem(moment: &Moment<'_>, switched: bool, group: &Group) -> Option<(&'static str, String)> {
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
        && !switched
        && !moment.now.has_gate
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
