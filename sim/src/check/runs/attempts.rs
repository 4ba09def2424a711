//! Attempts: a final one never changes, the limits of executors, pools and projects hold, an
//! executor has what its task needs, and nothing is tried again that was stopped.

use std::collections::BTreeSet;

use drydock_api::runservice::types::{Reason, TaskSpec, TaskStatus};
use drydock_runservice::record::Attempt;

use super::records::{Records, StateChange};
use super::{Checks, Violation};
use crate::plan::RunSettings;

pub const ORACLE: &str = "attempts";

pub fn look(change: &StateChange<'_>, settings: &RunSettings, checks: &mut Checks) {
    if change.place.jump {
        return;
    }
    for (before, attempt) in change.attempts() {
        checks.done(ORACLE, 1);
        let problem = match before {
            Some(before) => changed(before, attempt).or_else(|| retried(change, before, attempt)),
            None => claimed(change, attempt, settings),
        };
        if let Some((sentence, fact)) = problem {
            let fact = format!("attempt {} of {}: {fact}", attempt.id, attempt.name);
            checks.violated(Violation::new(ORACLE, sentence, change.at(), fact));
        }
    }
}

fn changed(before: &Attempt, now: &Attempt) -> Option<(&'static str, String)> {
    let end = |it: &Attempt| {
        // The sizes of the logs may be told later, once.
        let logs = (!before.lacks_logs()).then(|| it.logs.clone());
        (it.phase, it.reason, it.ended_at, it.steps.clone(), logs)
    };
    let is_other = |it: &Attempt| (it.run, it.task, it.number, it.executor, it.claim, it.place);
    if is_other(before) != is_other(now) {
        return Some(("an attempt became another one", format!("{:?}", is_other(now))));
    }
    let changed = before.phase.is_final() && end(before) != end(now);
    let fact =
        || format!("from {:?} to {:?}", (before.phase, before.reason), (now.phase, now.reason));
    changed.then(|| ("a final attempt changed", fact()))
}

/// Whether the end of an attempt lets its task be tried again though the run was stopped before.
fn retried(
    change: &StateChange<'_>,
    before: &Attempt,
    attempt: &Attempt,
) -> Option<(&'static str, String)> {
    let run = attempt.run.0;
    let was = change.before.runs.get(&run).or(change.now.runs.get(&run));
    let is_stopped = was.is_some_and(|run| run.stop.is_some());
    let has_ended = !before.phase.is_final() && attempt.phase.is_final();
    let task = change.now.tasks.get(&attempt.task.0)?;
    let ended =
        matches!(task.status, TaskStatus::Success | TaskStatus::Failed | TaskStatus::Stopped);
    let fact = || format!("its task is {}", task.status);
    (is_stopped && has_ended && !ended)
        .then(|| ("a task of a run that was stopped is to be tried again", fact()))
}

/// A claim: whether the executor might have the task.
fn claimed(
    change: &StateChange<'_>,
    attempt: &Attempt,
    settings: &RunSettings,
) -> Option<(&'static str, String)> {
    let now = change.now;
    let Some(task) = now.tasks.get(&attempt.task.0) else {
        return Some(("an attempt has no task", String::new()));
    };
    let same = |it: &&Attempt| it.claim == attempt.claim && it.id != attempt.id;
    if let Some(other) = now.attempts.values().find(same) {
        return Some(("one claim has got two attempts", format!("{} besides", other.id)));
    }
    let others = now.attempts.values().filter(|it| it.task == attempt.task);
    let tries = others.clone().filter(|it| it.reason != Some(Reason::ClaimLost)).count();
    let live = |is_counted: &dyn Fn(&Attempt) -> bool| {
        now.live_attempts().filter(|it| is_counted(it)).count()
    };
    if let Some(executor) = now.executors.get(&attempt.executor.0) {
        let has = live(&|it| it.executor == attempt.executor);
        if has > executor.limit as usize {
            let fact = format!("{has} of {} on {}", executor.limit, executor.name);
            return Some(("an executor has more attempts than it may", fact));
        }
        if !task.labels.is_subset(&executor.labels) {
            return Some(("an executor lacks a label", format!("{:?}", task.labels)));
        }
    }
    let in_project = live(&|it| it.project == attempt.project);
    if in_project > settings.max_running_tasks as usize {
        return Some(("a project has more attempts than it may", in_project.to_string()));
    }
    if let Some(pool) = &attempt.pool {
        let in_pool = live(&|it| it.pool.as_ref() == Some(pool));
        if in_pool > 1 {
            return Some(("a pool has more attempts than places", in_pool.to_string()));
        }
    }
    let was_stopped =
        |records: &Records| records.runs.get(&attempt.run.0).is_some_and(|run| run.stop.is_some());
    if was_stopped(change.before) {
        return Some(("a task of a run that was stopped was started", String::new()));
    }
    let spec = now.definitions.get(&attempt.run.0).and_then(|it| it.tasks.get(&attempt.name));
    let allowed = spec.map_or(0, tries_of);
    let numbers: BTreeSet<u32> = others.map(|it| it.number).collect();
    if numbers != (1..=task.attempts).collect() {
        return Some(("attempts are not numbered one after the other", format!("{numbers:?}")));
    }
    (tries > allowed).then(|| ("a task was tried too often", format!("{tries} of {allowed}")))
}

fn tries_of(spec: &TaskSpec) -> usize {
    1 + spec.retry.as_ref().map_or(0, |retry| usize::from(retry.max))
}
