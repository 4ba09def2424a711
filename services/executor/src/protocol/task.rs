//! A claimed task, as the driver takes it.

use drydock_api::runservice::types::{Claimed, Step};

use crate::attempt::{Task, TaskStep};

/// Why this executor cannot run a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step {step} is of the kind `{kind}`, which this executor does not know")]
pub struct Unsupported {
    step: usize,
    kind: &'static str,
}

/// The task for the driver. All of the environment is secret: the service does not say which of its
/// values are not.
pub fn task(claimed: &Claimed) -> Result<Task, Unsupported> {
    let steps: Result<_, _> = claimed.task.spec.steps.iter().enumerate().map(step).collect();
    let attempt = claimed.attempt.id.to_string();
    let (run, name) = (claimed.run.id.to_string(), claimed.task.name.to_string());
    Ok(Task {
        secrets: claimed.environment.clone(),
        timeout_ms: Some(claimed.remaining_ms),
        ..Task::new(attempt, run, claimed.run.number, name, steps?)
    })
}

fn step((nth, step): (usize, &Step)) -> Result<TaskStep, Unsupported> {
    let kind = match step {
        Step::Run(run) => {
            return Ok(TaskStep {
                command: run.command.clone(),
                timeout_ms: run.timeout.map(|timeout| timeout.as_ms()),
                when: run.when,
                allow_exit: run.allow_exit.clone(),
            });
        }
        Step::Save(_) => "save",
        Step::Restore {} => "restore",
        Step::SaveCache { .. } => "save_cache",
        Step::RestoreCache { .. } => "restore_cache",
    };
    Err(Unsupported { step: nth, kind })
}
