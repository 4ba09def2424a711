//! Which task an executor gets: fair between projects, by priority within one.
//!
//! The project with the fewest running tasks for its weight comes first, and of equal ones the one
//! that was served longest ago. So no project starves, and none waits for more than its share.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{Label, ProjectId, TaskId, TaskName};
use jiff::Timestamp;

/// A task that only lacks an executor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyTask {
    pub task: TaskId,
    pub name: TaskName,
    pub project: ProjectId,
    /// The place of its run in the order of creation of all runs.
    pub run_place: u64,
    /// The task's place in its run's graph.
    pub place: u32,
    pub priority: i8,
    pub ready_at: Timestamp,
    pub not_before: Option<Timestamp>,
    pub labels: BTreeSet<Label>,
    pub arch: Option<String>,
    pub pool: Option<String>,
}

/// The executor that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorCapacity {
    pub labels: BTreeSet<Label>,
    pub arch: Option<String>,
    pub limit: u32,
    /// The number of its attempts that are not final.
    pub active: u32,
}

impl ExecutorCapacity {
    pub fn has_room(&self) -> bool {
        self.active < self.limit
    }
}

/// What runs now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Load {
    pub projects: BTreeMap<ProjectId, ProjectLoad>,
    /// The number of taken places of each pool.
    pub pools: BTreeMap<String, u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProjectLoad {
    pub running: u32,
    /// The place of the project's last claim among all claims.
    pub last_claim: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickSettings {
    /// The greatest number of running tasks of one project.
    pub max_running_tasks: u32,
    /// The size of each named pool; a pool that is not named here has one place.
    pub pools: BTreeMap<String, u32>,
    /// The share of each project; 1 if it is not named here.
    pub weights: BTreeMap<ProjectId, u32>,
}

impl Default for PickSettings {
    fn default() -> PickSettings {
        PickSettings { max_running_tasks: 1000, pools: BTreeMap::new(), weights: BTreeMap::new() }
    }
}

/// After so long a wait, a task counts as if its priority were one more.
const PRIORITY_STEP_MS: i64 = 10 * 60 * 1000;

/// The task that the executor gets.
pub fn pick(
    capacity: &ExecutorCapacity,
    ready: &[ReadyTask],
    load: &Load,
    settings: &PickSettings,
    now: Timestamp,
) -> Option<TaskId> {
    if !capacity.has_room() {
        return None;
    }
    let can_start = |task: &&ReadyTask| {
        fits(capacity, task)
            && task.not_before.is_none_or(|not_before| not_before <= now)
            && obstacle(task, ready, load, settings).is_none()
    };
    let candidates: Vec<&ReadyTask> = ready.iter().filter(can_start).collect();
    let projects = candidates.iter().map(|task| task.project);
    let next = projects.min_by(|a, b| {
        let share = |project: &ProjectId| {
            let load = load.projects.get(project).copied().unwrap_or_default();
            (u64::from(load.running), u64::from(weight(settings, project)), load.last_claim)
        };
        let ((a_running, a_weight, a_last), (b_running, b_weight, b_last)) = (share(a), share(b));
        (a_running * b_weight).cmp(&(b_running * a_weight)).then((a_last, a).cmp(&(b_last, b)))
    })?;
    let of_project = candidates.into_iter().filter(|task| task.project == next);
    let first = of_project.min_by_key(|task| {
        let waited_ms = now.as_millisecond().saturating_sub(task.ready_at.as_millisecond());
        let aged = i64::from(task.priority) + waited_ms.max(0) / PRIORITY_STEP_MS;
        (Reverse(aged), task.run_place, task.place, &task.name)
    });
    first.map(|task| task.task)
}

fn weight(settings: &PickSettings, project: &ProjectId) -> u32 {
    settings.weights.get(project).copied().unwrap_or(1).max(1)
}

/// Whether the executor has what the task requires.
pub fn fits(capacity: &ExecutorCapacity, task: &ReadyTask) -> bool {
    task.labels.is_subset(&capacity.labels) && (task.arch.is_none() || task.arch == capacity.arch)
}

/// A limit that keeps a task from starting, whichever executor asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The project has as many running tasks as it may have.
    ProjectLimit(u32),
    /// The pool has no free place, or an older run has a task that waits for it.
    Pool(String),
}

pub fn obstacle(
    task: &ReadyTask,
    ready: &[ReadyTask],
    load: &Load,
    settings: &PickSettings,
) -> Option<Obstacle> {
    let running = load.projects.get(&task.project).map_or(0, |load| load.running);
    if running >= settings.max_running_tasks {
        return Some(Obstacle::ProjectLimit(settings.max_running_tasks));
    }
    let pool = task.pool.as_ref()?;
    let size = settings.pools.get(pool).copied().unwrap_or(1);
    let taken = load.pools.get(pool).copied().unwrap_or(0);
    let older =
        |other: &ReadyTask| other.pool.as_ref() == Some(pool) && other.run_place < task.run_place;
    let blocked = taken >= size || ready.iter().any(older);
    blocked.then(|| Obstacle::Pool(pool.clone()))
}
