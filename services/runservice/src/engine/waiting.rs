//! What a task waits for, for people. It is computed when it is asked for.

use std::collections::BTreeSet;

use drydock_api::runservice::types::{Label, Phase, TaskName, TaskStatus, WaitingFor};
use jiff::Timestamp;

use super::RunState;
use super::group::Start;
use super::pick::{Asking, Load, Obstacle, PickSettings, ReadyTask, fits, obstacle};
use crate::record::{Approval, ApprovalState, Task};

/// What surrounds a run.
#[derive(Debug, Clone)]
pub struct Surroundings<'a> {
    /// What keeps the run in the queue.
    pub start: Start,
    /// The executors that are alive, enabled, and not draining.
    pub executors: &'a [Asking],
    pub ready: &'a [ReadyTask],
    pub load: &'a Load,
    pub settings: &'a PickSettings,
}

/// What the task waits for; `None` if it runs or is final.
pub fn waiting_for(
    state: &RunState,
    name: &TaskName,
    around: &Surroundings<'_>,
    now: Timestamp,
) -> Option<WaitingFor> {
    let task = state.tasks.get(name)?;
    if task.status != TaskStatus::NotStarted {
        return None;
    }
    if state.run.phase == Phase::Queued {
        return Some(match around.start {
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
    Some(waiting_for_executor(task, around))
}

fn waiting_for_executor(task: &Task, around: &Surroundings<'_>) -> WaitingFor {
    let Some(ready) = around.ready.iter().find(|ready| ready.task == task.id) else {
        return WaitingFor::Turn;
    };
    match obstacle(ready, around.ready, around.load, around.settings) {
        Some(Obstacle::ProjectLimit(limit)) => return WaitingFor::ProjectLimit { limit },
        Some(Obstacle::Pool(pool)) => return WaitingFor::Pool { pool },
        None => {}
    }
    if around.executors.is_empty() {
        return WaitingFor::AnyExecutor;
    }
    let fitting: Vec<_> = around.executors.iter().filter(|it| fits(it, ready)).collect();
    if fitting.is_empty() {
        let known: BTreeSet<&Label> = around.executors.iter().flat_map(|it| &it.labels).collect();
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
