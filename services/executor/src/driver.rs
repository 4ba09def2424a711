//! How attempts are run on a machine. The first driver is `ProcessDriver`; one for containers can
//! stand beside it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use drydock_api::runservice::types::{AttemptId, LogStep};

use crate::attempt::{Outcome, Stop, Task, WantedCache};

/// Runs attempts, which outlive it: another driver of the same folder finds them again.
pub trait Driver: Send + 'static {
    /// Starts an attempt, which must not have been started before.
    fn start(&mut self, task: &Task) -> Result<(), DriverError>;

    /// How an attempt is. One whose supervisor has died is ended by this: its processes are killed,
    /// which may take seconds, and it has failed.
    fn look(&mut self, attempt: &str) -> Result<AttemptState, DriverError>;

    /// Orders an attempt to stop.
    fn order(&mut self, attempt: &str, stop: &Stop) -> Result<(), DriverError>;

    /// The attempts of which there is something, in order.
    fn list(&mut self) -> Result<Vec<String>, DriverError>;

    /// Removes the working folders of an attempt that has ended. Its logs and its result stay.
    fn clean(&mut self, attempt: &str) -> Result<(), DriverError>;

    /// Removes all that is left of an attempt, which must not be running.
    fn remove(&mut self, attempt: &str) -> Result<(), DriverError>;

    /// The logs of its attempts.
    fn logs(&self) -> Arc<dyn AttemptLogs>;

    /// The archives of its attempts.
    fn archives(&self) -> Arc<dyn AttemptArchives>;

    /// Why no further attempt should be started, such as a disk that is nearly full.
    fn refusal(&mut self) -> Option<String> {
        None
    }
}

/// The logs of attempts, masked, which are read beside everything that the driver does.
pub trait AttemptLogs: Send + Sync + 'static {
    /// The bytes of each log so far. A log only grows.
    fn sizes(&self, attempt: AttemptId) -> io::Result<BTreeMap<LogStep, u64>>;

    /// Exactly these bytes of a log.
    fn read(&self, attempt: AttemptId, step: LogStep, piece: Range<u64>) -> io::Result<Bytes>;
}

/// What attempts have saved, and what they restore.
pub trait AttemptArchives: Send + Sync + 'static {
    /// Exactly these bytes of what a step has saved.
    fn read(&self, attempt: AttemptId, step: u16, piece: Range<u64>) -> io::Result<Bytes>;

    /// Begins the file of what an attempt restores, anew if there is one.
    fn begin_restore(&self, attempt: AttemptId) -> io::Result<Box<dyn RestoreFile>>;

    /// What a step waits for that restores a cache.
    fn wanted_cache(&self, attempt: AttemptId) -> io::Result<Option<WantedCache>>;

    /// Begins the answer to a step that restores a cache, anew if it was begun.
    fn begin_cache(&self, attempt: AttemptId, step: u16) -> io::Result<Box<dyn RestoreFile>>;

    /// Answers a step that restores a cache that there is nothing, and why.
    fn no_cache(&self, attempt: AttemptId, step: u16, why: &str) -> io::Result<()>;
}

/// A file that an attempt restores, as it is written.
pub trait RestoreFile: Send {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes the file appear.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptState {
    /// There is nothing of it.
    Absent,
    /// It was prepared, and none of its steps has begun: it can be started.
    NotStarted,
    Running,
    Ended(Outcome),
}

#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    #[error("`{0}` is no id of an attempt")]
    InvalidId(String),
    #[error("attempt `{0}` was started before")]
    AlreadyStarted(String),
    #[error("attempt `{0}` is running")]
    Running(String),
    #[error("there is nothing of attempt `{0}`")]
    Absent(String),
    #[error("attempt `{attempt}`: {doing}")]
    Io { attempt: String, doing: &'static str, source: io::Error },
}
