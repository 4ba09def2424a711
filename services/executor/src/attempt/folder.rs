//! The names in an attempt's folder, and its lock.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock, fstat};

use super::files::{create, read_json, write_json};
use super::outcome::Outcome;
use super::task::{Stop, Task};

/// The folder of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFolder(PathBuf);

/// The right to supervise an attempt. It ends with the last process that has the file open, however
/// that process dies.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// The lock for another process: both have it, until the last one ends.
    pub fn share(&self) -> io::Result<File> {
        self.0.try_clone()
    }
}

impl AttemptFolder {
    pub fn new(path: impl Into<PathBuf>) -> AttemptFolder {
        AttemptFolder(path.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn task_file(&self) -> PathBuf {
        self.file("task.json")
    }

    pub fn started_file(&self) -> PathBuf {
        self.file("started")
    }

    /// The log with that number: 0 is that of the setup, n + 1 that of step n.
    pub fn log_file(&self, number: usize) -> PathBuf {
        self.file(&format!("log.{number:03}"))
    }

    /// What a step saves.
    pub fn archive_file(&self, step: usize) -> PathBuf {
        self.file(&format!("archive.{step:03}"))
    }

    /// What the attempt restores.
    pub fn restore_file(&self) -> PathBuf {
        self.file("restore")
    }

    /// The keys of a cache that a step wants to restore.
    pub fn cache_keys_file(&self) -> PathBuf {
        self.file("cache.keys")
    }

    /// What the executor has found for a step that restores a cache.
    pub fn cache_file(&self, step: usize) -> PathBuf {
        self.file(&format!("cache.{step:03}"))
    }

    /// Files of what is restored that tasks have made differently, a line each.
    pub fn conflicts_file(&self) -> PathBuf {
        self.file("conflicts")
    }

    /// The home of the steps: the only folder that they may write to.
    pub fn home(&self) -> PathBuf {
        self.file("task")
    }

    /// The folder in which steps start.
    pub fn work(&self) -> PathBuf {
        self.home().join("work")
    }

    pub fn temporary(&self) -> PathBuf {
        self.home().join("tmp")
    }

    /// The file to which a step appends further secrets, a line each.
    pub fn mask_file(&self) -> PathBuf {
        self.home().join("mask")
    }

    pub fn script(&self, step: usize) -> PathBuf {
        self.home().join(format!("step.{step:03}"))
    }

    pub fn write_task(&self, task: &Task) -> io::Result<()> {
        write_json(&self.0, "task.json", task)
    }

    pub fn read_task(&self) -> io::Result<Option<Task>> {
        read_json(&self.task_file())
    }

    pub fn write_stop(&self, stop: &Stop) -> io::Result<()> {
        write_json(&self.0, "stop.json", stop)
    }

    pub fn read_stop(&self) -> io::Result<Option<Stop>> {
        read_json(&self.file("stop.json"))
    }

    pub fn write_outcome(&self, outcome: &Outcome) -> io::Result<()> {
        write_json(&self.0, "result.json", outcome)
    }

    pub fn read_outcome(&self) -> io::Result<Option<Outcome>> {
        read_json(&self.file("result.json"))
    }

    /// Takes the lock; `None` if a process has it.
    pub fn lock(&self) -> io::Result<Option<Lock>> {
        let file = create(&self.file("lock"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the open file is the lock of this folder.
    pub fn is_lock(&self, file: impl AsFd) -> bool {
        let lock = rustix::fs::stat(self.file("lock"));
        match (fstat(file), lock) {
            (Ok(file), Ok(lock)) => (file.st_dev, file.st_ino) == (lock.st_dev, lock.st_ino),
            _ => false,
        }
    }
}
