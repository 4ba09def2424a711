//! A claimed task, as the driver takes it.

use std::time::Duration;

use drydock_api::runservice::types::{Claimed, SaveStep, Step};

use crate::attempt::{StepAction, Task, TaskStep};

/// Why this executor cannot run a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step {step} is of the kind `{kind}`, which this executor does not know")]
pub struct Unsupported {
    step: usize,
    kind: &'static str,
}

/// The task for the driver, after this time since the answer to its claim.
pub fn task(claimed: &Claimed, passed: Duration) -> Result<Task, Unsupported> {
    let remaining = Duration::from_millis(claimed.remaining_ms).saturating_sub(passed);
    let steps: Result<_, _> = claimed.task.spec.steps.iter().enumerate().map(step).collect();
    let attempt = claimed.attempt.id.to_string();
    let (run, name) = (claimed.run.id.to_string(), claimed.task.name.to_string());
    let environment = claimed.environment.clone().into_iter();
    let (env, secrets) = environment.partition(|(name, _)| claimed.unmasked.contains(name));
    Ok(Task {
        env,
        secrets,
        timeout_ms: Some(u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX)),
        ..Task::new(attempt, run, claimed.run.number, name, steps?)
    })
}

fn step((nth, step): (usize, &Step)) -> Result<TaskStep, Unsupported> {
    let does = |action| Ok(TaskStep { action, ..TaskStep::default() });
    let kind = match step {
        Step::Run(run) => {
            return Ok(TaskStep {
                command: run.command.clone(),
                action: StepAction::Run,
                timeout_ms: run.timeout.map(|timeout| timeout.as_ms()),
                when: run.when,
                allow_exit: run.allow_exit.clone(),
            });
        }
        Step::Save(SaveStep { paths }) => return does(StepAction::Save(paths.clone())),
        Step::Restore {} => return does(StepAction::Restore),
        Step::SaveCache { .. } => "save_cache",
        Step::RestoreCache { .. } => "restore_cache",
    };
    Err(Unsupported { step: nth, kind })
}
