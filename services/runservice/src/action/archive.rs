//! What commits say of archives, and who may store and read them.

use std::collections::BTreeSet;

use drydock_api::runservice::endpoints::archive::Read;
use drydock_api::runservice::endpoints::own::{DownloadArchive, UploadArchive};
use drydock_api::runservice::refusals::{
    ArchiveExpired, ArchiveNotExist, AttemptNotExist, BadArchive, StaleAttempt,
};
use drydock_api::runservice::types::{
    ArchiveReport, AttemptId, AttemptPhase, ExecutorId, Reason, RunId, Step, TaskName, TaskSpec,
};
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;

use super::state::{load, load_known, save};
use super::{log, status};
use crate::engine::advance::{advance, restores};
use crate::engine::attempt::is_success;
use crate::engine::{EngineSettings, RunState};
use crate::model;
use crate::record::{Attempt, Stored, Task};
use crate::schema::ATTEMPTS;

/// Whether an executor may store an archive of this step now.
pub fn may_upload(
    tx: &Tx<'_>,
    executor: ExecutorId,
    attempt: AttemptId,
    step: u16,
) -> Result<(), ActionError<UploadArchive>> {
    let attempt = status::find::<UploadArchive>(tx, executor, attempt)?;
    if attempt.phase.is_final() {
        return Err(StaleAttempt(attempt.phase).into());
    }
    let state = load_known::<UploadArchive>(tx, attempt.run)?;
    match state.spec(&attempt.name).steps.get(usize::from(step)) {
        Some(Step::Save(_)) => Ok(()),
        _ => Err(BadArchive(format!("step {step} of the task does not save")).into()),
    }
}

/// An archive of an attempt, for whoever may read the run.
pub fn of_task(
    tx: &Tx<'_>,
    (run, task, step): (RunId, &TaskName, u16),
    number: Option<u32>,
) -> Result<(AttemptId, ArchiveReport), ActionError<Read>> {
    let found = log::find::<Read>(tx, run, task, number)?;
    let state = load::<Read>(tx, run)?;
    let archive = find(state.spec(task), &found.attempt, step);
    Ok((found.attempt.id, archive.map_err(Missing::refused::<Read>)?))
}

/// An archive of an attempt above one that the executor runs, and that restores.
pub fn for_executor(
    tx: &Tx<'_>,
    executor: ExecutorId,
    attempt: AttemptId,
    step: u16,
) -> Result<ArchiveReport, ActionError<DownloadArchive>> {
    let found: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
    let found = found.ok_or(AttemptNotExist(attempt))?;
    for (run, name) in references(tx, &found)? {
        let live = model::attempt::live_of_run(tx, run)?;
        let mut own = live.into_iter().filter(|live| live.executor == executor).peekable();
        if own.peek().is_none() {
            continue;
        }
        let state = load_known::<DownloadArchive>(tx, run)?;
        let restored = |own: Attempt| {
            restores(state.spec(&own.name)) && state.graph.ancestors(&own.name).contains(&name)
        };
        if own.any(restored) {
            let archive = find(state.spec(&name), &found, step);
            return Ok(archive.map_err(Missing::refused::<DownloadArchive>)?);
        }
    }
    Err(AttemptNotExist(attempt).into())
}

/// Why there is no archive.
enum Missing {
    Never(u16),
    Gone(u16),
}

impl Missing {
    fn refused<F: From<ArchiveExpired> + From<ArchiveNotExist>>(self) -> F {
        match self {
            Missing::Never(step) => ArchiveNotExist(step).into(),
            Missing::Gone(step) => ArchiveExpired(step).into(),
        }
    }
}

fn find(spec: &TaskSpec, attempt: &Attempt, step: u16) -> Result<ArchiveReport, Missing> {
    if let Some(archive) = attempt.archives.get(&step.to_string()) {
        return Ok(archive.clone());
    }
    let nth = usize::from(step);
    let exit = attempt.steps.get(nth).and_then(|report| report.exit);
    let saved = spec
        .steps
        .get(nth)
        .zip(exit)
        .is_some_and(|(given, exit)| matches!(given, Step::Save(_)) && is_success(given, exit));
    // What was stopped uploads nothing, and what could not upload everything has failed.
    let stored = match attempt.phase {
        AttemptPhase::Success => true,
        AttemptPhase::Failed => attempt.reason != Some(Reason::ArchiveMissing),
        _ => false,
    };
    match saved && stored {
        true => Err(Missing::Gone(step)),
        false => Err(Missing::Never(step)),
    }
}

/// The tasks whose newest attempt this is, in its own run and in those that have kept it.
fn references<F>(tx: &Tx<'_>, attempt: &Attempt) -> Result<Vec<(RunId, TaskName)>, ActionError<F>> {
    let own: Option<Task> = tx.get(crate::schema::TASKS, attempt.task.0)?;
    let own = own.filter(|task| task.attempt == Some(attempt.id));
    let mut found: Vec<_> = own.into_iter().map(|task| (task.run, task.name)).collect();
    found.extend(model::task::kept_as(tx, attempt.id)?);
    Ok(found)
}

/// Takes the names of archives away from an attempt to which no run refers that ended after this
/// moment; answers whether it did.
pub fn expire<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    attempt: AttemptId,
    before: Timestamp,
) -> Result<bool, ActionError<F>> {
    let old = model::attempt::with_old_archives(tx, before, Some(attempt), 1)?;
    if !old.is_empty() {
        forget(tx, settings, attempt, None)?;
    }
    Ok(!old.is_empty())
}

/// Takes the names of archives away from an attempt that has ended: of these objects, or of all.
/// Tasks that need them, and have not started, fail.
pub fn forget<F>(
    tx: &mut StoreTx<'_>,
    settings: &EngineSettings,
    attempt: AttemptId,
    objects: Option<&BTreeSet<String>>,
) -> Result<(), ActionError<F>> {
    let found: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
    let Some(mut attempt) = found.filter(|found| found.phase.is_final()) else { return Ok(()) };
    let count = attempt.archives.len();
    let is_other =
        |archive: &ArchiveReport| objects.is_some_and(|it| !it.contains(&archive.object));
    attempt.archives.retain(|_, archive| is_other(archive));
    if attempt.archives.len() == count {
        return Ok(());
    }
    attempt.touch(tx.now());
    tx.put(ATTEMPTS, attempt.id.0, &attempt)?;
    let mut tasks = std::collections::BTreeMap::<RunId, Vec<TaskName>>::new();
    for (run, name) in references(tx, &attempt)? {
        tasks.entry(run).or_default().push(name);
    }
    for (run, names) in tasks {
        let before: RunState = load_known(tx, run)?;
        let mut after = before.clone();
        for name in names {
            after.task_mut(&name).archives_missing = true;
        }
        advance(&mut after, tx.now(), settings);
        save(tx, settings, &before, after)?;
    }
    Ok(())
}
