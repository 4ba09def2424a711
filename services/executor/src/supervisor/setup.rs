//! Everything that must be there before the first step.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, mkdir};
use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit, umask};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT};
use signal_hook::flag;

use crate::attempt::{AttemptFolder, Limits, Task, create_new, overwrite};

/// Below the executor and the services: they must be heard while steps use the machine up.
const NICENESS: i32 = 5;
/// The kernel kills steps before it kills the executor.
const OOM_SCORE_ADJUSTMENT: &str = "500";

/// The usual one: the steps' home is closed to others anyway.
const UMASK: Mode = Mode::WGRP.union(Mode::WOTH);

/// Limits this process, and with it all that it starts.
pub fn limit(limits: &Limits) -> io::Result<()> {
    // The executor's own is stricter, and would come into archives. Files here have explicit modes.
    umask(UMASK);
    lower(Resource::Core, Some(0))?;
    lower(Resource::Nofile, limits.open_files)?;
    lower(Resource::Nproc, limits.processes)?;
    // Neither is worth an attempt: a sandbox may forbid both.
    let _ = nice(NICENESS);
    let _ = overwrite(Path::new("/proc/self/oom_score_adj"), OOM_SCORE_ADJUSTMENT);
    Ok(())
}

/// Gives every step the signals at their defaults. An executor that was started in the background
/// or under `nohup` has ignored signals. A step would inherit them, and a shell in it could not
/// trap them; a signal that is caught here is not inherited.
pub fn catch_signals() -> io::Result<()> {
    for signal in [SIGHUP, SIGINT, SIGQUIT] {
        flag::register(signal, Arc::default())?;
    }
    Ok(())
}

fn lower(resource: Resource, to: Option<u64>) -> io::Result<()> {
    let Some(to) = to else { return Ok(()) };
    let now = getrlimit(resource).maximum;
    let limit = Some(now.map_or(to, |now| now.min(to)));
    Ok(setrlimit(resource, Rlimit { current: limit, maximum: limit })?)
}

/// Makes the folders of the steps, and their scripts.
pub fn lay_out(folder: &AttemptFolder, task: &Task) -> io::Result<()> {
    for path in [folder.home(), folder.work(), folder.temporary()] {
        mkdir(&path, Mode::RWXU)?;
        give(task, &path)?;
    }
    for (number, step) in task.steps.iter().enumerate() {
        let path = folder.script(number);
        create_new(&path)?.write_all(step.command.as_bytes())?;
        give(task, &path)?;
    }
    if task.user.is_some() {
        // Its files stay closed: only the way to the steps' home is open.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
    }
    Ok(())
}

/// Gives a file to the user of the steps.
pub fn give(task: &Task, path: &Path) -> io::Result<()> {
    match &task.user {
        Some(user) => chown(path, Some(user.uid), Some(user.gid)),
        None => Ok(()),
    }
}
