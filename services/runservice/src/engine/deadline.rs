//! The four deadlines: of a ready task, of an attempt, of a run, and of an approval. Each is a time
//! in the state. The service acts a margin later, because the executor acts first.

use drydock_api::runservice::types::{AttemptPhase, Phase, Reason, TaskName, TaskStatus};
use jiff::Timestamp;

use super::RunState;
use super::advance::{advance, end};
use super::attempt::{Ending, finish};
use super::settings::{EngineSettings, later};
use super::stop::stop;
use crate::record::{ApprovalState, Task};

/// When [`expire`] has something to do next.
pub fn due(state: &RunState, settings: &EngineSettings) -> Option<Timestamp> {
    if state.run.phase != Phase::Running {
        return None;
    }
    let tasks = state.tasks.iter().filter_map(|(name, task)| task_deadline(state, name, task));
    let first = tasks.chain(run_deadline(state)).min()?;
    Some(later(first, settings.deadline_margin))
}

/// Ends whatever has taken too long. Whether anything had.
pub fn expire(state: &mut RunState, now: Timestamp, settings: &EngineSettings) -> bool {
    if due(state, settings).is_none_or(|due| now < due) {
        return false;
    }
    let is_over = |deadline: Timestamp| now >= later(deadline, settings.deadline_margin);
    if run_deadline(state).is_some_and(is_over) {
        stop(state, Reason::RunTimeout, now, settings).expect("the run is running");
    }
    let late = |state: &RunState, name: &TaskName| {
        task_deadline(state, name, state.task(name)).is_some_and(is_over)
    };
    let names: Vec<_> = state.graph.order().to_vec();
    for name in names {
        if !late(state, &name) {
            continue;
        }
        match state.live_attempt(&name) {
            Some(attempt) => {
                let ending = match attempt.stop {
                    Some(order) => Ending::unheard(AttemptPhase::Stopped, order.reason),
                    None => Ending::unheard(AttemptPhase::Failed, Reason::Timeout),
                };
                finish(state, &name, ending, now, settings);
            }
            None => expire_waiting(state.task_mut(&name), now),
        }
        advance(state, now, settings);
    }
    true
}

fn expire_waiting(task: &mut Task, now: Timestamp) {
    match &mut task.approval {
        Some(approval) if approval.state == ApprovalState::Waiting => {
            approval.state = ApprovalState::Expired;
            approval.decided_at = Some(now);
            end(task, TaskStatus::Cancelled, Some(Reason::ApprovalExpired));
        }
        _ => end(task, TaskStatus::Failed, Some(Reason::QueueTimeout)),
    }
}

/// The run's deadline, unless its clock stands still, or it is being stopped: then those of its
/// attempts end it.
fn run_deadline(state: &RunState) -> Option<Timestamp> {
    let ticking = state.run.paused_since.is_none() && state.run.stop.is_none();
    state.run.deadline.filter(|_| ticking)
}

fn task_deadline(state: &RunState, name: &TaskName, task: &Task) -> Option<Timestamp> {
    if let Some(attempt) = state.live_attempt(name) {
        return Some(attempt.deadline);
    }
    if task.status != TaskStatus::NotStarted {
        return None;
    }
    match &task.approval {
        Some(approval) if approval.state == ApprovalState::Waiting => Some(approval.expires_at),
        _ => task.queue_deadline,
    }
}
