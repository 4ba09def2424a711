//! A claimed task, as the driver takes it.

use std::time::Duration;

use drydock_api::runservice::types::{Claimed, SaveStep, Step};

use crate::attempt::{CacheContext, StepAction, Task, TaskStep};

/// The task for the driver, after this time since the answer to its claim.
pub fn task(claimed: &Claimed, passed: Duration, arch: &str) -> Task {
    let remaining = Duration::from_millis(claimed.remaining_ms).saturating_sub(passed);
    let steps = claimed.task.spec.steps.iter().map(step).collect();
    let attempt = claimed.attempt.id.to_string();
    let (run, name) = (claimed.run.id.to_string(), claimed.task.name.to_string());
    let environment = claimed.environment.clone().into_iter();
    let (env, secrets) = environment.partition(|(name, _)| claimed.unmasked.contains(name));
    let cache = claimed.cache.clone().map(|cache| CacheContext {
        branch: cache.branch,
        sha: cache.sha,
        arch: arch.to_owned(),
    });
    Task {
        env,
        secrets,
        cache,
        timeout_ms: Some(u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX)),
        ..Task::new(attempt, run, claimed.run.number, name, steps)
    }
}

fn step(step: &Step) -> TaskStep {
    let action = match step {
        Step::Run(run) => {
            return TaskStep {
                command: run.command.clone(),
                action: StepAction::Run,
                timeout_ms: run.timeout.map(|timeout| timeout.as_ms()),
                when: run.when,
                allow_exit: run.allow_exit.clone(),
            };
        }
        Step::Save(SaveStep { paths }) => StepAction::Save(paths.clone()),
        Step::Restore {} => StepAction::Restore,
        Step::SaveCache { key, paths } => {
            StepAction::SaveCache { key: key.clone(), paths: paths.clone() }
        }
        Step::RestoreCache { keys } => StepAction::RestoreCache(keys.clone()),
    };
    TaskStep { action, ..TaskStep::default() }
}
