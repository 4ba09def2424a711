//! Creating runs.

use std::collections::BTreeMap;

use drydock_api::runservice::refusals::TooManyQueuedRuns;
use drydock_api::runservice::types::{
    CacheScopes, Group, OnNewer, Phase, ProjectId, Reason, RunId, RunResult, TaskId, TaskName,
    TaskSpec, TaskStatus,
};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_runtime::encryption::Bound;
use drydock_runtime::encryptor::Encryptor;

use super::state::{follow, load_known, put_changes, save};
use super::{event, gate};
use crate::Settings;
use crate::engine::advance::start;
use crate::engine::definition::{Definition, labels};
use crate::engine::group::{Start, next_start, superseded_by};
use crate::engine::stop::{cancel, stop};
use crate::engine::{EngineSettings, RunState};
use crate::model;
use crate::record::{Kept, RestartOf, Run, RunCounter, RunDefinition, Task};
use crate::schema::{CACHES_SINCE, RUN_COUNTERS, RUN_DEFINITIONS, RUNS, TASKS};

/// The variables of a run and their values.
pub type Environment = BTreeMap<String, String>;

/// A new run.
#[derive(Debug, Clone)]
pub struct New {
    pub project: ProjectId,
    pub group: Group,
    pub name: String,
    /// The tasks, or everything that is wrong with them.
    pub definition: Result<Definition, Vec<String>>,
    /// The names of the project's variables, by their names in the environment.
    pub variables: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub cache: Option<CacheScopes>,
    pub on_newer: OnNewer,
    pub fail_fast: bool,
    pub priority: i8,
    pub restart_of: Option<RestartOf>,
}

/// The tasks of an earlier run that are not run again.
pub type KeptTasks = BTreeMap<TaskName, (Kept, Task)>;

/// Creates a run, and starts it if its group is idle.
pub fn create<F: From<TooManyQueuedRuns>>(
    tx: &mut StoreTx<'_>,
    settings: &Settings,
    encryptor: &Encryptor,
    new: &New,
    environment: &Environment,
    kept: &KeptTasks,
) -> Result<Run, ActionError<F>> {
    check_queues(tx, settings, new)?;
    let run = record(tx, new)?;
    let Ok(Definition { specs, graph }) = &new.definition else {
        tx.put(RUNS, run.id.0, &run)?;
        event::note(tx, &run)?;
        return Ok(run);
    };
    make_way(tx, &settings.engine, new)?;
    let environment = match environment.is_empty() {
        true => None,
        false => {
            let bound = Bound { kind: RUN_DEFINITIONS, id: run.id.0 };
            let plain = zeroize::Zeroizing::new(serde_json::to_vec(environment)?);
            Some(encryptor.encrypt(bound, &plain))
        }
    };
    let definition = RunDefinition { id: run.id, tasks: specs.clone(), environment };
    tx.put(RUN_DEFINITIONS, run.id.0, &definition)?;
    let mut tasks = BTreeMap::new();
    for (place, name) in graph.order().iter().enumerate() {
        let task = task(tx, &run, name, place, &specs[name], kept.get(name));
        tasks.insert(name.clone(), task);
    }
    let (specs, graph) = (specs.clone(), graph.clone());
    let mut state = RunState { run, specs, graph, tasks, attempts: BTreeMap::new() };
    start_if_first(tx, settings, &mut state)?;
    tx.put(RUNS, state.run.id.0, &state.run)?;
    event::note(tx, &state.run)?;
    for task in state.tasks.values() {
        tx.put(TASKS, task.id.0, task)?;
    }
    if state.run.phase != Phase::Running {
        // Another run may be the first of the group, and nothing may keep it any more.
        follow(tx, &settings.engine, &state.run.group)?;
    }
    Ok(state.run)
}

/// Refuses a run that would make a queue too long.
fn check_queues<F: From<TooManyQueuedRuns>>(
    tx: &StoreTx<'_>,
    settings: &Settings,
    new: &New,
) -> Result<(), ActionError<F>> {
    let limit = settings.max_queued_per_group;
    if model::run::queued_in_group(tx, &new.group)? >= limit {
        return Err(TooManyQueuedRuns(limit, "group").into());
    }
    let limit = settings.max_queued_per_project;
    if model::run::queued_in_project(tx, new.project)? >= limit {
        return Err(TooManyQueuedRuns(limit, "project").into());
    }
    Ok(())
}

/// The new run with its number, which is never given again.
fn record<F>(tx: &mut StoreTx<'_>, new: &New) -> Result<Run, ActionError<F>> {
    let (now, id) = (tx.now(), RunId(tx.new_id()));
    let counter: Option<RunCounter> = tx.get(RUN_COUNTERS, new.project.0)?;
    let given = counter.map_or(0, |counter| counter.number);
    let number = given.max(tx.floor(new.project.0)?) + 1;
    tx.put(RUN_COUNTERS, new.project.0, &RunCounter { id: new.project, number })?;
    let errors = new.definition.as_ref().err();
    Ok(Run {
        id,
        project: new.project,
        group: new.group.clone(),
        number,
        place: model::run::next_place(tx)?,
        name: new.name.clone(),
        phase: if errors.is_some() { Phase::SetupError } else { Phase::Queued },
        result: RunResult::Unknown,
        definition: errors.is_none().then_some(id),
        on_newer: new.on_newer,
        fail_fast: new.fail_fast,
        priority: new.priority,
        stop: None,
        setup_errors: errors.cloned().unwrap_or_default(),
        variables: new.variables.clone(),
        annotations: new.annotations.clone(),
        // While older instances run, which would not understand it, runs have none.
        cache: new.cache.clone().filter(|_| tx.writes_version() >= CACHES_SINCE),
        restart_of: new.restart_of,
        queued_at: now,
        started_at: None,
        ended_at: errors.is_some().then_some(now),
        deadline: None,
        paused_since: None,
        group_held_until: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    })
}

fn task(
    tx: &mut StoreTx<'_>,
    run: &Run,
    name: &TaskName,
    place: usize,
    spec: &TaskSpec,
    kept: Option<&(Kept, Task)>,
) -> Task {
    let now = tx.now();
    let old = kept.map(|(_, task)| task);
    Task {
        id: TaskId(tx.new_id()),
        run: run.id,
        project: run.project,
        name: name.clone(),
        place: u32::try_from(place).expect("a graph has few tasks"),
        labels: labels(spec),
        arch: spec.arch.clone(),
        pool: spec.concurrency.clone(),
        status: old.map_or(TaskStatus::NotStarted, |old| old.status),
        reason: old.and_then(|old| old.reason),
        failure_allowed: old.is_some_and(|old| old.failure_allowed),
        attempts: 0,
        retries: 0,
        attempt: None,
        ready_at: None,
        not_before: None,
        queue_deadline: None,
        approval: None,
        archives_missing: old.is_some_and(|old| old.archives_missing),
        kept: kept.map(|(kept, _)| *kept),
        revision: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Cancels and stops the runs that give way to a new one.
fn make_way<F>(
    tx: &mut StoreTx<'_>,
    engine: &EngineSettings,
    new: &New,
) -> Result<(), ActionError<F>> {
    let superseded = superseded_by(&model::run::group(tx, &new.group)?, new.on_newer);
    let now = tx.now();
    for run in superseded.cancelled {
        let before = load_known(tx, run)?;
        let mut after = before.clone();
        cancel(&mut after, Reason::Superseded, now).map_err(ActionError::internal)?;
        // The next of the group is the new run, and none of those that give way.
        put_changes(tx, &before, after)?;
    }
    if let Some(run) = superseded.stopped {
        let before = load_known(tx, run)?;
        let mut after = before.clone();
        if before.run.stop.is_none() {
            stop(&mut after, Reason::Superseded, now, engine).map_err(ActionError::internal)?;
        }
        save(tx, engine, &before, after)?;
    }
    Ok(())
}

/// Starts the new run before it is stored, so that its tasks are written once.
fn start_if_first<F>(
    tx: &mut StoreTx<'_>,
    settings: &Settings,
    state: &mut RunState,
) -> Result<(), ActionError<F>> {
    gate::begin(tx, settings.engine.resume_per_minute)?;
    let now = tx.now();
    let mut group = model::run::group(tx, &state.run.group)?;
    group.queued.push(state.run.id);
    if next_start(&group, gate::is_open(tx, now)?, now) == Start::Run(state.run.id) {
        gate::pass(tx)?;
        start(state, now, &settings.engine);
    }
    Ok(())
}
