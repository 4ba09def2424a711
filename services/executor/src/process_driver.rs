//! Attempts as processes of this machine: a supervisor each, found again by its lock.
//!
//! No number of a process is remembered. An attempt is running if, and only if, its lock is held:
//! the driver takes it before it starts the supervisor and hands it over, so that it is never free
//! in between.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustix::fs::{Mode, mkdir, statvfs};

use crate::archive_files::ArchiveFiles;
use crate::attempt::{AttemptFolder, AttemptPhase, LogReport, Outcome, Reason, Stop, Task};
use crate::driver::{AttemptArchives, AttemptLogs, AttemptState, Driver, DriverError};
use crate::log_files::{self, LogFiles};
use crate::supervisor::{clear_cgroup, kill_attempt};

const MAX_ID_LENGTH: usize = 64;
/// No attempt is started with less of the disk free, or a tenth of it if that is less.
const MIN_FREE_BYTES: u64 = 2 << 30;

#[derive(Debug)]
pub struct ProcessDriver {
    /// The folder of the attempts' folders.
    root: PathBuf,
    /// The supervisor: a program and its first arguments. The attempt's folder follows.
    program: PathBuf,
    arguments: Vec<OsString>,
    /// The delegated cgroup, below which attempts have theirs.
    cgroup: Option<PathBuf>,
    /// Supervisors that this driver has started, until it has seen their end.
    children: BTreeMap<String, Child>,
}

impl ProcessDriver {
    /// A driver of the attempts in `root`, a folder that must be there.
    pub fn new(root: PathBuf, program: PathBuf, arguments: Vec<OsString>) -> ProcessDriver {
        ProcessDriver { root, program, arguments, cgroup: None, children: BTreeMap::new() }
    }

    /// Gives each attempt a cgroup of its own, below a delegated one.
    pub fn with_cgroup(self, cgroup: PathBuf) -> ProcessDriver {
        ProcessDriver { cgroup: Some(cgroup), ..self }
    }

    /// The folder of an attempt. Its id becomes a name of files, and of nothing else.
    fn folder(&self, attempt: &str) -> Result<AttemptFolder, DriverError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if attempt.is_empty() || attempt.len() > MAX_ID_LENGTH || !attempt.bytes().all(is_plain) {
            return Err(DriverError::InvalidId(attempt.to_owned()));
        }
        Ok(AttemptFolder::new(self.root.join(attempt)))
    }

    fn spawn(&self, folder: &AttemptFolder, lock: File) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .arg(folder.path())
            .env_clear()
            .current_dir("/")
            .stdin(lock)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What ends the executor, such as Ctrl-C on its terminal, does not end attempts.
            .process_group(0)
            .spawn()
    }

    /// Lets go of supervisors that have ended.
    fn reap(&mut self) {
        self.children.retain(|_, child| !matches!(child.try_wait(), Ok(Some(_))));
    }

    /// Ends an attempt whose supervisor died without a result.
    fn bury(&self, attempt: &str, folder: &AttemptFolder) -> io::Result<Outcome> {
        if let Some(root) = &self.cgroup {
            clear_cgroup(root, attempt);
        }
        let kill_incomplete = !kill_attempt(attempt);
        let outcome = Outcome {
            phase: AttemptPhase::Failed,
            reason: Some(Reason::ExecutorRestarted),
            message: Some("the supervisor has died".to_owned()),
            steps: Vec::new(),
            logs: logs(folder)?,
            archives: BTreeMap::new(),
            caches: BTreeMap::new(),
            kill_incomplete,
        };
        folder.write_outcome(&outcome)?;
        remove_task(folder)?;
        Ok(outcome)
    }
}

impl Driver for ProcessDriver {
    fn start(&mut self, task: &Task) -> Result<(), DriverError> {
        let attempt = task.attempt.as_str();
        let folder = self.folder(attempt)?;
        self.reap();
        match mkdir(folder.path(), Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(io(attempt, "its folder cannot be made", error.into())),
        }
        let lock = folder.lock().map_err(|error| io(attempt, "its lock cannot be taken", error))?;
        let lock = lock.ok_or_else(|| DriverError::Running(attempt.to_owned()))?;
        if folder.started_file().exists() {
            return Err(DriverError::AlreadyStarted(attempt.to_owned()));
        }
        let task = Task { cgroup: self.cgroup.clone(), ..task.clone() };
        folder.write_task(&task).map_err(|error| io(attempt, "its task cannot be kept", error))?;
        let child = lock.share().and_then(|lock| self.spawn(&folder, lock));
        let child =
            child.map_err(|error| io(attempt, "its supervisor cannot be started", error))?;
        self.children.insert(attempt.to_owned(), child);
        Ok(())
    }

    fn look(&mut self, attempt: &str) -> Result<AttemptState, DriverError> {
        let folder = self.folder(attempt)?;
        self.reap();
        if !folder.path().exists() {
            return Ok(AttemptState::Absent);
        }
        let failed = |error| io(attempt, "its folder cannot be read", error);
        // Kept to the end, so that nobody starts it meanwhile.
        let Some(_lock) = folder.lock().map_err(failed)? else { return Ok(AttemptState::Running) };
        if let Some(outcome) = folder.read_outcome().map_err(failed)? {
            // Its supervisor may have died between the result and this.
            remove_task(&folder).map_err(failed)?;
            return Ok(AttemptState::Ended(outcome));
        }
        if !folder.started_file().exists() {
            return Ok(AttemptState::NotStarted);
        }
        let buried = self.bury(attempt, &folder);
        buried.map(AttemptState::Ended).map_err(|error| io(attempt, "it cannot be ended", error))
    }

    fn order(&mut self, attempt: &str, stop: &Stop) -> Result<(), DriverError> {
        let folder = self.folder(attempt)?;
        if !folder.path().exists() {
            return Err(DriverError::Absent(attempt.to_owned()));
        }
        folder.write_stop(stop).map_err(|error| io(attempt, "it cannot be ordered to stop", error))
    }

    fn list(&mut self) -> Result<Vec<String>, DriverError> {
        let failed = |error| io("*", "the folder of attempts cannot be read", error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir() {
                let name = entry.file_name().into_string().ok();
                // Other folders are none of the driver's.
                names.extend(name.filter(|name| self.folder(name).is_ok()));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn clean(&mut self, attempt: &str) -> Result<(), DriverError> {
        let folder = self.folder(attempt)?;
        // What it has restored is of no more use either.
        let _ = fs::remove_file(folder.restore_file());
        match remove_folder(&folder.home()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(io(attempt, "its working folder cannot be removed", error))
            }
            _ => Ok(()),
        }
    }

    fn remove(&mut self, attempt: &str) -> Result<(), DriverError> {
        let folder = self.folder(attempt)?;
        self.reap();
        if !folder.path().exists() {
            return Ok(());
        }
        let failed = |error| io(attempt, "its folder cannot be removed", error);
        let lock = folder.lock().map_err(failed)?;
        let _lock = lock.ok_or_else(|| DriverError::Running(attempt.to_owned()))?;
        if let Some(root) = &self.cgroup {
            clear_cgroup(root, attempt);
        }
        remove_folder(folder.path()).map_err(failed)
    }

    fn logs(&self) -> Arc<dyn AttemptLogs> {
        Arc::new(LogFiles::new(self.root.clone()))
    }

    fn archives(&self) -> Arc<dyn AttemptArchives> {
        Arc::new(ArchiveFiles::new(self.root.clone()))
    }

    fn refusal(&mut self) -> Option<String> {
        let disk = statvfs(&self.root).ok()?;
        let (free, all) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
        let is_full = free < MIN_FREE_BYTES.min(all / 10);
        is_full.then(|| format!("only {} MiB of the disk are free", free >> 20))
    }
}

fn io(attempt: &str, doing: &'static str, source: io::Error) -> DriverError {
    DriverError::Io { attempt: attempt.to_owned(), doing, source }
}

/// Removes the file that holds secrets; it is no error if it is gone.
fn remove_task(folder: &AttemptFolder) -> io::Result<()> {
    match fs::remove_file(folder.task_file()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The digests of the logs that are there.
fn logs(folder: &AttemptFolder) -> io::Result<BTreeMap<String, LogReport>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder.path())? {
        let name = entry?.file_name();
        let Some(step) = name.to_str().and_then(log_files::step) else { continue };
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(folder.log_file(step.place().into()))?)?;
        let digest =
            LogReport { size: hasher.count(), blake3: hasher.finalize().to_hex().to_string() };
        found.insert(step.to_string(), digest);
    }
    Ok(found)
}

/// Removes a folder and all in it.
fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // Some tools leave folders that are closed to their own owner.
            open_folders(path)?;
            fs::remove_dir_all(path)
        }
        done => done,
    }
}

/// Lets their owner use a folder and those in it.
fn open_folders(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // The type of the entry itself: a link is not followed.
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}
