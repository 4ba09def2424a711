//! The errors of runservice.

use std::fmt::Display;

use drydock_core::error::{ApiError, Code};

use super::types::{AttemptPhase, Phase, TaskName};
use crate::names::Name;

#[track_caller]
fn refused(code: Code, message: String) -> ApiError {
    ApiError::new(code.kind()).with_code(code).with_message(message)
}

pub fn run_not_exist(run: impl Display) -> ApiError {
    refused(Code::RunNotExist, format!("run `{run}` does not exist"))
}

pub fn task_not_exist(task: impl Display) -> ApiError {
    refused(Code::TaskNotExist, format!("the run has no task `{task}`"))
}

pub fn executor_not_exist(executor: impl Display) -> ApiError {
    refused(Code::ExecutorNotExist, format!("executor `{executor}` does not exist"))
}

pub fn executor_already_exists(name: &Name) -> ApiError {
    let message = format!("an executor with the name `{name}` already exists");
    refused(Code::ExecutorAlreadyExists, message)
}

/// An attempt that does not exist, or is another executor's.
pub fn attempt_not_exist(attempt: impl Display) -> ApiError {
    refused(Code::AttemptNotExist, format!("this executor has no attempt `{attempt}`"))
}

/// The executor asks for tasks before its first heartbeat of the session.
pub fn executor_unknown() -> ApiError {
    let message = "the executor has sent no heartbeat in this session";
    refused(Code::ExecutorUnknown, message.to_owned())
}

pub fn session_replaced(newest: u64) -> ApiError {
    let message = format!("the executor was started again: its session is `{newest}`");
    refused(Code::SessionReplaced, message)
}

pub fn stale_attempt(phase: AttemptPhase) -> ApiError {
    refused(Code::StaleAttempt, format!("the attempt has ended as `{phase}`"))
}

/// A status that no executor that works could report.
pub fn bad_status(problem: impl Display) -> ApiError {
    refused(Code::BadStatus, problem.to_string())
}

pub fn wrong_phase(phase: Phase) -> ApiError {
    refused(Code::WrongPhase, format!("the run is in the phase `{phase}`"))
}

pub fn not_decided(problem: impl Display) -> ApiError {
    refused(Code::WrongPhase, problem.to_string())
}

pub fn run_not_restartable(problem: impl Display) -> ApiError {
    refused(Code::RunNotRestartable, problem.to_string())
}

pub fn archives_expired(task: &TaskName, needs: &TaskName) -> ApiError {
    let message = format!("`{needs}` needs the archives of `{task}`, which do not exist any more");
    refused(Code::ArchivesExpired, message)
}

pub fn too_many_queued_runs(limit: u64, of: &str) -> ApiError {
    let message = format!("more than {limit} runs of the {of} are queued");
    refused(Code::TooManyRequests, message)
}

pub fn idempotency_key_reused() -> ApiError {
    let message = "the idempotency key was used for another request";
    refused(Code::IdempotencyKeyReused, message.to_owned())
}

pub fn too_many_idempotency_keys() -> ApiError {
    let message = "too many answers are kept for repeated requests; try again later";
    refused(Code::TooManyRequests, message.to_owned())
}
