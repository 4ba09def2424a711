//! Fairness: a claim gets a task of the project with the fewest running tasks, and of that the one
//! that comes first by its priority, its run's age and its place.
//!
//! Judged are commits with one claim and no end of an attempt: in others nobody can say what the
//! claim found.

use std::collections::BTreeMap;

use drydock_runservice::record::{Attempt, Executor, Task};
use uuid::Uuid;

use super::records::{Records, StateChange};
use super::{Checks, Violation};
use crate::plan::RunSettings;

pub const ORACLE: &str = "fair share";

pub fn look(change: &StateChange<'_>, settings: &RunSettings, checks: &mut Checks) {
    if change.place.jump {
        return;
    }
    let changed: Vec<_> = change.attempts().collect();
    let [(None, claimed)] = changed[..] else { return };
    // A task that became ready in the same commit may have come after the claim.
    let runs = change.touched.len();
    let Some(executor) = change.now.executors.get(&claimed.executor.0).filter(|_| runs == 1) else {
        return;
    };
    checks.done(ORACLE, 1);
    if let Some(problem) = problem(change.now, claimed, executor, settings) {
        let sentence = "a claim got a task though another one was due";
        let fact = format!("attempt {} of {}: {problem}", claimed.id, claimed.name);
        checks.violated(Violation::new(ORACLE, sentence, change.at(), fact));
    }
}

fn problem(
    now: &Records,
    claimed: &Attempt,
    executor: &Executor,
    settings: &RunSettings,
) -> Option<String> {
    let load = load(now, claimed);
    let of = |project: &Uuid| load.get(project).copied().unwrap_or_default();
    let own = of(&claimed.project.0);
    let task = now.tasks.get(&claimed.task.0)?;
    for other in now.tasks.values().filter(|it| is_due(it, claimed, executor)) {
        let others = of(&other.project.0);
        if other.project == claimed.project {
            let ((first, at), (second, own_at)) = (rank(now, other)?, rank(now, task)?);
            if (first, at) < (second, own_at) {
                return Some(format!("{} of run {} comes first", other.name, other.run));
            }
        } else if others.0 < u64::from(settings.max_running_tasks) && others < own {
            let (project, name) = (other.project, &other.name);
            return Some(format!("project {project} has {others:?} to {own:?}, and {name} ready"));
        }
    }
    None
}

/// Of each project the number of its running tasks and the place of its last claim, without the
/// claim itself.
fn load(now: &Records, claimed: &Attempt) -> BTreeMap<Uuid, (u64, u64)> {
    let mut load: BTreeMap<Uuid, (u64, u64)> = BTreeMap::new();
    for attempt in now.attempts.values().filter(|it| it.id != claimed.id) {
        let (running, last) = load.entry(attempt.project.0).or_default();
        *running += u64::from(!attempt.phase.is_final());
        *last = (*last).max(attempt.place);
    }
    load
}

/// Whether the executor could have had a task instead.
fn is_due(task: &Task, claimed: &Attempt, executor: &Executor) -> bool {
    task.ready_at.is_some_and(|ready_at| ready_at <= claimed.claimed_at)
        && task.not_before.is_none_or(|not_before| not_before <= claimed.claimed_at)
        && task.pool.is_none()
        && task.arch.is_none()
        && task.labels.is_subset(&executor.labels)
}

/// What a task is chosen by within its project; the least comes first.
fn rank<'a>(now: &Records, task: &'a Task) -> Option<(i16, (u64, u32, &'a str))> {
    let run = now.runs.get(&task.run.0)?;
    Some((-i16::from(run.priority), (run.place, task.place, task.name.as_str())))
}
