//! Steps that save and restore: packing and unpacking in a process of its own, which has the rights
//! of the steps and nothing of the executor's. Files that only the executor may open are handed to
//! it open.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use drydock_api::runservice::types::MAX_ARCHIVE_BYTES;

use crate::attempt::{AttemptFolder, LogReport, Reason, StepAction, Task, create_new, sync_folder};

use super::attempt::Attempt;
use super::caches;

/// This program, however it is named by now, and whoever may look into its folder.
const OWN: &str = "/proc/self/exe";
/// The most that is read of what the unpacking says of conflicts.
const MAX_CONFLICTS: u64 = 32 << 10;

/// The command by which this program packs; the patterns follow.
pub const PACK: &str = "pack";
/// The command by which this program unpacks.
pub const UNPACK: &str = "unpack";

/// Packs what a step saves into a file of the attempt's.
pub fn pack(
    folder: &AttemptFolder,
    task: &Task,
    (step, paths): (usize, &[String]),
) -> io::Result<Command> {
    let archive = create_new(&folder.archive_file(step))?;
    let mut command = helper(PACK, task);
    command.arg("--").args(paths).stdin(Stdio::null()).stdout(archive);
    Ok(command)
}

/// Unpacks what the attempt restores.
pub fn unpack(folder: &AttemptFolder, task: &Task) -> io::Result<Command> {
    let archives = match File::open(folder.restore_file()) {
        // No task above has saved anything.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Stdio::null(),
        archives => archives?.into(),
    };
    let conflicts = folder.conflicts_file();
    // A second step that restores writes it anew.
    remove(&conflicts)?;
    let mut command = helper(UNPACK, task);
    command.stdin(archives).stdout(create_new(&conflicts)?);
    Ok(command)
}

pub fn helper(name: &str, task: &Task) -> Command {
    let mut command = Command::new(OWN);
    // By this it is found if the supervisor dies.
    command.arg(name).env_clear().env("DRYDOCK_ATTEMPT", &task.attempt);
    command
}

/// Takes what a step that has succeeded has made.
pub fn conclude(attempt: &mut Attempt, number: usize) {
    let done = match &attempt.task.steps[number].action {
        StepAction::Run => return,
        StepAction::Save(_) => keep(attempt, number),
        StepAction::Restore => warn(attempt),
        StepAction::SaveCache { .. } => caches::keep(attempt, number),
        StepAction::RestoreCache(_) => caches::note(attempt, number),
    };
    if let Err(error) = done {
        attempt.fail(Reason::DiskFull, format!("step {number}: {error}"));
    }
}

/// Makes an archive durable, and notes its digest.
fn keep(attempt: &mut Attempt, number: usize) -> io::Result<()> {
    let path = attempt.folder.archive_file(number);
    let file = File::open(&path)?;
    file.sync_all()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    sync_folder(attempt.folder.path())?;
    let (size, blake3) = (hasher.count(), hasher.finalize().to_hex().to_string());
    if size > MAX_ARCHIVE_BYTES {
        return Err(io::Error::other(format!("it has saved more than {MAX_ARCHIVE_BYTES} bytes")));
    }
    attempt.keep_archive(number, LogReport { size, blake3 });
    Ok(())
}

/// Says in the log of the setup which files tasks have made differently.
fn warn(attempt: &mut Attempt) -> io::Result<()> {
    let mut text = Vec::new();
    let conflicts = File::open(attempt.folder.conflicts_file())?;
    conflicts.take(MAX_CONFLICTS).read_to_end(&mut text)?;
    let mut masked = Vec::new();
    attempt.secrets.mask(&text, &mut masked)?;
    attempt.secrets.finish(&mut masked)?;
    let lines = String::from_utf8_lossy(&masked);
    let notes: Vec<_> = lines.lines().map(|line| format!("warning: {line}")).collect();
    attempt.note_setup(&notes)
}

/// Removes a file, if it is there.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
