//! Loading a run as the engine takes it, and storing what the engine has changed.

use std::collections::BTreeMap;

use drydock_api::runservice::refusals::RunNotExist;
use drydock_api::runservice::types::{Group, Phase, RunId};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;

use super::{event, gate};
use crate::engine::advance::start;
use crate::engine::graph::Graph;
use crate::engine::group::{Start, next_start};
use crate::engine::{EngineSettings, RunState};
use crate::model;
use crate::record::{Run, RunDefinition, Stored};
use crate::schema::{ATTEMPTS, RUN_DEFINITIONS, RUNS, TASKS};

/// A stored definition does not hold together, though it was checked before it was stored.
#[derive(Debug, thiserror::Error)]
#[error("the definition of run `{0}` is missing or inconsistent")]
struct InconsistentDefinition(RunId);

pub fn find<F: From<RunNotExist>>(tx: &Tx<'_>, run: RunId) -> Result<Run, ActionError<F>> {
    Ok(model::run::find(tx, run)?.ok_or(RunNotExist(run))?)
}

pub fn definition(tx: &Tx<'_>, run: &Run) -> Result<Option<RunDefinition>, DbError> {
    match run.definition {
        Some(definition) => tx.get(RUN_DEFINITIONS, definition.0),
        None => Ok(None),
    }
}

/// The run with its tasks and its attempts that are not final.
pub fn load<F: From<RunNotExist>>(tx: &Tx<'_>, run: RunId) -> Result<RunState, ActionError<F>> {
    assemble(tx, find(tx, run)?)
}

/// A run that the same state refers to.
pub fn load_known<F>(tx: &Tx<'_>, run: RunId) -> Result<RunState, ActionError<F>> {
    let found = model::run::find(tx, run)?;
    assemble(tx, found.ok_or_else(|| ActionError::internal(InconsistentDefinition(run)))?)
}

fn assemble<F>(tx: &Tx<'_>, run: Run) -> Result<RunState, ActionError<F>> {
    let tasks = model::task::of_run(tx, run.id)?;
    let tasks: BTreeMap<_, _> = tasks.into_iter().map(|task| (task.name.clone(), task)).collect();
    let attempts = model::attempt::live_of_run(tx, run.id)?;
    let attempts = attempts.into_iter().map(|attempt| (attempt.id, attempt)).collect();
    let specs = definition(tx, &run)?.map(|definition| definition.tasks).unwrap_or_default();
    let graph = match specs.is_empty() {
        // A run in the phase `setup_error` has none.
        true => Graph::default(),
        false => {
            Graph::of(&specs).map_err(|_| ActionError::internal(InconsistentDefinition(run.id)))?
        }
    };
    if !specs.keys().eq(tasks.keys()) {
        return Err(ActionError::internal(InconsistentDefinition(run.id)));
    }
    Ok(RunState { run, specs, graph, tasks, attempts })
}

/// Stores what differs between the two states of a run, and what follows for its group.
pub fn save<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    before: &RunState,
    after: RunState,
) -> Result<(), ActionError<F>> {
    let group = after.run.group.clone();
    let ended = !before.run.phase.is_final() && after.run.phase.is_final();
    put_changes(tx, before, after)?;
    if ended { follow(tx, settings, &group) } else { Ok(()) }
}

/// Stores what differs between the two states of a run, and an event if its phase or result does.
pub fn put_changes<F>(
    tx: &mut StoreTx<'_>,
    before: &RunState,
    after: RunState,
) -> Result<(), ActionError<F>> {
    let now = tx.now();
    let RunState { mut run, tasks, attempts, .. } = after;
    let noted = (run.phase, run.result) != (before.run.phase, before.run.result);
    if run != before.run {
        run.touch(now);
        tx.put(RUNS, run.id.0, &run)?;
    }
    if noted {
        event::note(tx, &run)?;
    }
    for (name, mut task) in tasks {
        if before.tasks.get(&name) != Some(&task) {
            task.touch(now);
            tx.put(TASKS, task.id.0, &task)?;
        }
    }
    for (id, mut attempt) in attempts {
        let old = before.attempts.get(&id);
        if old == Some(&attempt) {
            continue;
        }
        if old.is_some() {
            attempt.touch(now);
        }
        tx.put(ATTEMPTS, id.0, &attempt)?;
    }
    Ok(())
}

/// Starts queued runs of a group until one is running, or none may start.
pub fn follow<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    group: &Group,
) -> Result<(), ActionError<F>> {
    gate::begin(tx, settings.resume_per_minute)?;
    loop {
        let Start::Run(run) = next(tx, group)? else { return Ok(()) };
        gate::pass(tx)?;
        let before = load_known(tx, run)?;
        let mut after = before.clone();
        start(&mut after, tx.now(), settings);
        let running = after.run.phase == Phase::Running;
        put_changes(tx, &before, after)?;
        if running {
            return Ok(());
        }
    }
}

/// Which run of a group starts next, now.
pub fn next(tx: &StoreTx<'_>, group: &Group) -> Result<Start, DbError> {
    let now = tx.now();
    let open = gate::is_open(tx, now)?;
    Ok(next_start(&model::run::group(tx, group)?, open, now))
}
