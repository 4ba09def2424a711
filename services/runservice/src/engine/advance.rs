//! What follows from a state: the fixpoint of a run.
//!
//! One pass in topological order reaches it, because a task depends on tasks above it only. A
//! failure in a run that is to fail fast also ends tasks elsewhere, and costs one more pass.

use std::collections::BTreeSet;

use drydock_api::runservice::types::{
    Phase, Reason, RunResult, Step, TaskName, TaskSpec, TaskStatus,
};
use jiff::Timestamp;

use super::RunState;
use super::edge::{Edge, edge};
use super::settings::{EngineSettings, later};
use crate::record::{Approval, ApprovalState, Task};

/// Starts a queued run.
pub fn start(state: &mut RunState, now: Timestamp, settings: &EngineSettings) {
    state.run.phase = Phase::Running;
    state.run.started_at = Some(now);
    state.run.deadline = Some(later(now, settings.run_timeout));
    advance(state, now, settings);
}

/// Brings a running run to its fixpoint. Other runs are at theirs.
pub fn advance(state: &mut RunState, now: Timestamp, settings: &EngineSettings) {
    if state.run.phase != Phase::Running {
        return;
    }
    loop {
        pass(state, now, settings);
        conclude(state, now);
        if !fail_fast(state) {
            break;
        }
    }
    keep_clock(state, now);
}

fn pass(state: &mut RunState, now: Timestamp, settings: &EngineSettings) {
    for nth in 0..state.graph.order().len() {
        let name = state.graph.order()[nth].clone();
        if state.task(&name).status != TaskStatus::NotStarted {
            continue;
        }
        match next(state, &name) {
            Next::Wait => {}
            Next::End(status, reason) => end(state.task_mut(&name), status, reason),
            Next::Ask => {
                let rule = state.spec(&name).approval.as_ref();
                let timeout = rule.and_then(|rule| rule.timeout);
                let timeout =
                    timeout.map_or(settings.approval_timeout, |timeout| timeout.as_duration());
                state.task_mut(&name).approval = Some(Approval {
                    state: ApprovalState::Waiting,
                    since: now,
                    expires_at: later(now, timeout),
                    decided_at: None,
                    approver: None,
                    comment: None,
                });
            }
            Next::Ready => {
                let task = state.task_mut(&name);
                if task.ready_at.is_none() {
                    let from = task.not_before.map_or(now, |not_before| not_before.max(now));
                    task.ready_at = Some(now);
                    task.queue_deadline = Some(later(from, settings.queue_timeout));
                }
            }
        }
    }
}

enum Next {
    Wait,
    End(TaskStatus, Option<Reason>),
    /// The task begins to wait for an approval.
    Ask,
    Ready,
}

/// What follows for a task that was not started.
fn next(state: &RunState, name: &TaskName) -> Next {
    if let Some(stop) = state.run.stop {
        return Next::End(TaskStatus::Cancelled, Some(stop.reason));
    }
    if state.spec(name).skip {
        return Next::End(TaskStatus::Skipped, None);
    }
    let parents = state.graph.parents(name);
    let edges = parents.iter().map(|(parent, conditions)| edge(*conditions, state.task(parent)));
    let edges: Vec<Edge> = edges.collect();
    if edges.contains(&Edge::Wait) {
        return Next::Wait;
    }
    if edges.contains(&Edge::Unsatisfied) {
        return Next::End(TaskStatus::Skipped, None);
    }
    if restores(state.spec(name)) {
        let mut above = state.graph.ancestors(name).into_iter();
        if above.any(|above| state.task(above).archives_missing) {
            return Next::End(TaskStatus::Failed, Some(Reason::ArchiveMissing));
        }
    }
    let approval = state.task(name).approval.as_ref().map(|approval| approval.state);
    match (&state.spec(name).approval, approval) {
        (None, _) | (Some(_), Some(ApprovalState::Approved)) => Next::Ready,
        (Some(_), None) => Next::Ask,
        (Some(_), Some(_)) => Next::Wait,
    }
}

pub fn restores(spec: &TaskSpec) -> bool {
    spec.steps.iter().any(|step| matches!(step, Step::Restore {}))
}

/// Ends a task of which no attempt runs.
pub(super) fn end(task: &mut Task, status: TaskStatus, reason: Option<Reason>) {
    task.status = status;
    task.reason = reason;
    task.ready_at = None;
    task.not_before = None;
    task.queue_deadline = None;
}

/// Sets result and phase. A result `failed` stays.
fn conclude(state: &mut RunState, now: Timestamp) {
    let failed = |task: &Task| task.status == TaskStatus::Failed && !task.failure_allowed;
    let refused = |task: &Task| {
        let approval = task.approval.as_ref().map(|approval| approval.state);
        matches!(approval, Some(ApprovalState::Refused | ApprovalState::Expired))
    };
    // It may have been, though the run was not, by an order that an import has undone.
    let stopped = |task: &Task| task.status == TaskStatus::Stopped;
    let undone = state.tasks.values().any(|task| stopped(task) || refused(task));
    let all_final = state.tasks.values().all(|task| task.status.is_final());
    let run = &mut state.run;
    run.result = if run.result == RunResult::Failed || state.tasks.values().any(failed) {
        RunResult::Failed
    } else if run.stop.is_some() || undone {
        RunResult::Stopped
    } else if all_final {
        RunResult::Success
    } else {
        RunResult::Unknown
    };
    if all_final {
        run.phase = Phase::Finished;
        run.ended_at = Some(now);
        run.deadline = None;
        run.paused_since = None;
    }
}

/// Cancels the tasks that cannot be part of dealing with a failure, once there is one in a run
/// that is to fail fast. Whether there were any.
fn fail_fast(state: &mut RunState) -> bool {
    if !state.run.fail_fast || state.run.result != RunResult::Failed {
        return false;
    }
    let kept = after_failures(state);
    let mut cancelled = false;
    for (name, task) in &mut state.tasks {
        if task.status == TaskStatus::NotStarted && !kept.contains(name) {
            end(task, TaskStatus::Cancelled, Some(Reason::FailFast));
            cancelled = true;
        }
    }
    cancelled
}

/// The tasks on a path that begins with the failure of a task which failed, or still may.
fn after_failures(state: &RunState) -> BTreeSet<TaskName> {
    let may_fail = |task: &Task| match task.status {
        TaskStatus::Failed => !task.failure_allowed,
        TaskStatus::Running | TaskStatus::Stopping => true,
        _ => false,
    };
    let mut kept: BTreeSet<TaskName> = BTreeSet::new();
    for name in state.graph.order() {
        let reached = state.graph.parents(name).iter().any(|(parent, conditions)| {
            kept.contains(parent) || conditions.on_failure && may_fail(state.task(parent))
        });
        if reached {
            kept.insert(name.clone());
        }
    }
    kept
}

/// Stops the run's clock while a task waits for an approval, and moves its deadline on after that.
fn keep_clock(state: &mut RunState, now: Timestamp) {
    let waits = |task: &Task| {
        let approval = task.approval.as_ref().map(|approval| approval.state);
        task.status == TaskStatus::NotStarted && approval == Some(ApprovalState::Waiting)
    };
    let waiting = state.tasks.values().any(waits);
    let run = &mut state.run;
    match run.paused_since {
        None if waiting && run.phase == Phase::Running => run.paused_since = Some(now),
        Some(since) if !waiting => {
            let paused = now.duration_since(since).unsigned_abs();
            let paused = if now > since { paused } else { std::time::Duration::ZERO };
            run.deadline = run.deadline.map(|deadline| later(deadline, paused));
            run.paused_since = None;
        }
        _ => {}
    }
}
