//! What a restarted run keeps of the run before it.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{Phase, RestartFrom, Step, TaskName, TaskStatus};

use super::RunState;
use super::advance::restores;
use crate::record::{Kept, Task};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRestartable {
    #[error("a run in the phase `{0}` cannot be restarted")]
    Phase(Phase),
    #[error("no task of the run has failed, so there is nothing to run again")]
    NothingFailed,
    #[error("`{needs}` needs the archives of `{task}`, which do not exist any more")]
    ArchivesExpired { task: TaskName, needs: TaskName },
}

/// The tasks that are not run again, each with the attempt that takes its place.
///
/// # Errors
/// [`NotRestartable`]: a restart that could not work is refused at once.
pub fn kept(old: &RunState, from: RestartFrom) -> Result<BTreeMap<TaskName, Kept>, NotRestartable> {
    if !matches!(old.run.phase, Phase::Finished | Phase::Cancelled) {
        return Err(NotRestartable::Phase(old.run.phase));
    }
    if from == RestartFrom::Start {
        return Ok(BTreeMap::new());
    }
    let mut kept = BTreeMap::new();
    for name in old.graph.order() {
        let parents_kept = old.graph.parents(name).keys().all(|parent| kept.contains_key(parent));
        let task = old.task(name);
        if parents_kept && succeeded(task) {
            let own = Kept { run: task.run, task: task.id, attempt: task.attempt };
            kept.insert(name.clone(), task.kept.unwrap_or(own));
        }
    }
    if kept.len() == old.tasks.len() {
        return Err(NotRestartable::NothingFailed);
    }
    needed(old, &kept)?;
    Ok(kept)
}

fn succeeded(task: &Task) -> bool {
    task.status == TaskStatus::Success || task.status == TaskStatus::Failed && task.failure_allowed
}

/// Whether the archives exist which tasks that run again restore from tasks that do not.
fn needed(old: &RunState, kept: &BTreeMap<TaskName, Kept>) -> Result<(), NotRestartable> {
    let anew = old.graph.order().iter().filter(|name| !kept.contains_key(*name));
    for name in anew.filter(|name| restores(old.spec(name))) {
        let above: BTreeSet<_> = old.graph.ancestors(name);
        let gone = |task: &&TaskName| {
            let saves = |step: &Step| matches!(step, Step::Save(_));
            kept.contains_key(*task)
                && old.task(task).archives_missing
                && old.spec(task).steps.iter().any(saves)
        };
        if let Some(task) = above.into_iter().find(gone) {
            let (task, needs) = (task.clone(), name.clone());
            return Err(NotRestartable::ArchivesExpired { task, needs });
        }
    }
    Ok(())
}
