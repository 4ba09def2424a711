//! The life of a supervisor.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::attempt::{AttemptFolder, AttemptPhase, Lock, Outcome, Reason, create_new, sync_folder};

use super::attempt::Attempt;
use super::setup;

/// Why an attempt was not supervised. Whatever went wrong with its steps is in its result.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    #[error("another process supervises the attempt")]
    Locked,
    #[error("the attempt was begun before")]
    AlreadyStarted,
    #[error("the attempt's folder cannot be used")]
    Folder(#[from] io::Error),
}

/// Runs the attempt in that folder to its end.
///
/// This process must have no children, and no other use: it becomes the parent of orphans, lowers
/// its own limits and reaps every child.
pub fn supervise(folder: &Path) -> Result<(), SuperviseError> {
    // Steps start elsewhere, so a relative name would lead nowhere.
    let folder = AttemptFolder::new(folder.canonicalize()?);
    setup::catch_signals()?;
    let _lock = take_lock(&folder)?;
    match create_new(&folder.started_file()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(SuperviseError::AlreadyStarted);
        }
        started => started?.sync_all()?,
    }
    sync_folder(folder.path())?;
    let outcome = match folder.read_task() {
        Ok(Some(task)) => Attempt::run(&folder, task),
        Ok(None) => setup_failed("`task.json` is missing".to_owned()),
        Err(error) => setup_failed(format!("`task.json`: {error}")),
    };
    folder.write_outcome(&outcome)?;
    // It holds secrets, and nobody needs it any more.
    fs::remove_file(folder.task_file())?;
    Ok(())
}

/// Takes the lock, unless the executor has given it to this process as its stdin.
fn take_lock(folder: &AttemptFolder) -> Result<Option<Lock>, SuperviseError> {
    let stdin = io::stdin();
    if folder.is_lock(&stdin) {
        let mine = flock(&stdin, FlockOperation::NonBlockingLockExclusive);
        return mine.map(|()| None).map_err(|_| SuperviseError::Locked);
    }
    folder.lock()?.map(Some).ok_or(SuperviseError::Locked)
}

fn setup_failed(message: String) -> Outcome {
    Outcome {
        phase: AttemptPhase::Failed,
        reason: Some(Reason::SetupFailed),
        message: Some(message),
        steps: Vec::new(),
        logs: Default::default(),
        archives: Default::default(),
        caches: Default::default(),
        kill_incomplete: false,
    }
}
