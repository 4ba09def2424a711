//! What a task waits for, for people. It is computed when it is asked for.

use std::collections::BTreeSet;

use drydock_api::runservice::types::{Label, Phase, TaskName, TaskStatus, WaitingFor};
use jiff::Timestamp;

use super::RunState;
use super::group::Start;
use super::pick::{ExecutorCapacity, Load, Obstacle, PickSettings, ReadyTask, fits, obstacle};
use crate::record::{Approval, ApprovalState, Task};

/// What decides what the tasks of a run wait for, besides the run itself.
#[derive(Debug, Clone)]
pub struct WaitingContext<'a> {
    /// What keeps the run in the queue.
    pub start: Start,
    /// The executors that are alive, enabled, and not draining.
    pub executors: &'a [ExecutorCapacity],
    pub ready: &'a [ReadyTask],
    pub load: &'a Load,
    pub settings: &'a PickSettings,
}

/// What the task waits for; `None` if it runs or is final.
pub fn waiting_for(
    state: &RunState,
    name: &TaskName,
    context: &WaitingContext<'_>,
    now: Timestamp,
) -> Option<WaitingFor> {
    let task = state.tasks.get(name)?;
    if task.status != TaskStatus::NotStarted {
        return None;
    }
    if state.run.phase == Phase::Queued {
        return Some(match context.start {
            Start::Held(until) => WaitingFor::Executor { until },
            Start::Gate => WaitingFor::Gate,
            Start::Run(_) | Start::Nothing => WaitingFor::Group,
        });
    }
    if let Some(Approval { state: ApprovalState::Waiting, expires_at, .. }) = task.approval {
        return Some(WaitingFor::Approval { expires_at });
    }
    if task.ready_at.is_none() {
        let parents = state.graph.parents(name).keys();
        let open = parents.filter(|parent| !state.task(parent).status.is_final());
        return Some(WaitingFor::Tasks { tasks: open.cloned().collect() });
    }
    if let Some(at) = task.not_before.filter(|at| *at > now) {
        return Some(WaitingFor::Retry { at });
    }
    Some(waiting_for_executor(task, context))
}

fn waiting_for_executor(task: &Task, context: &WaitingContext<'_>) -> WaitingFor {
    let Some(ready) = context.ready.iter().find(|ready| ready.task == task.id) else {
        return WaitingFor::Turn;
    };
    match obstacle(ready, context.ready, context.load, context.settings) {
        Some(Obstacle::ProjectLimit(limit)) => return WaitingFor::ProjectLimit { limit },
        Some(Obstacle::Pool(pool)) => return WaitingFor::Pool { pool },
        None => {}
    }
    if context.executors.is_empty() {
        return WaitingFor::AnyExecutor;
    }
    let fitting: Vec<_> = context.executors.iter().filter(|it| fits(it, ready)).collect();
    if fitting.is_empty() {
        let known: BTreeSet<&Label> = context.executors.iter().flat_map(|it| &it.labels).collect();
        let missing = ready.labels.iter().filter(|label| !known.contains(label));
        return WaitingFor::Labels {
            missing: missing.cloned().collect(),
            labels: ready.labels.iter().cloned().collect(),
            arch: ready.arch.clone(),
        };
    }
    match fitting.iter().all(|executor| executor.active >= executor.limit) {
        true => WaitingFor::FreeExecutor,
        false => WaitingFor::Turn,
    }
}
