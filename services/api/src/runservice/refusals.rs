//! The refusals of runservice. Each has the code of the same name, and a text for the client.

use drydock_core::refusals;

use super::types::{AttemptId, AttemptPhase, CacheId, LogStep, Phase, RunId, TaskName};
use crate::names::{Name, Ref};

pub use crate::refusals::{
    EncryptionKeyMissing, IdempotencyKeyReused, InvalidField, NotRepeatable, TooManyKeys,
};

refusals! {
    RunNotExist(run: RunId) = "run `{run}` does not exist";
    RunNumberNotExist(number: u64) as RunNotExist = "the project has no run {number}";
    TaskNotExist(task: TaskName) = "the run has no task `{task}`";
    ExecutorNotExist(executor: Ref) = "executor `{executor}` does not exist";
    /// An attempt that does not exist, or is another executor's.
    AttemptNotExist(attempt: AttemptId) = "this executor has no attempt `{attempt}`";

    ExecutorAlreadyExists(name: Name) = "an executor with the name `{name}` already exists";
    /// The executor asks for tasks before its first heartbeat of the session.
    ExecutorUnknown = "the executor has sent no heartbeat in this session";
    /// The executor was deleted while it was asking.
    NotRegistered as Unauthorized = "the executor is not registered any more";
    SessionReplaced(newest: u64) = "the executor was started again: its session is {newest}";
    StaleAttempt(phase: AttemptPhase) = "the attempt has ended as `{phase}`";
    /// A status that no executor which works could report.
    BadStatus(problem: String) = "{problem}";

    LogNotExist(step: LogStep) = "the task has no log of `{step}`";
    LogAttemptNotExist(attempt: u32) as LogNotExist = "the task has no attempt {attempt}";
    NeverStarted(task: TaskName) as LogNotExist = "the task `{task}` has had no attempt yet";
    LogDeleted = "the logs of the attempt were deleted";
    LogExpired = "the logs of the attempt were kept for as long as logs are, and are gone";
    LogTooLarge(limit: u64) = "the log would have more than {limit} bytes";
    /// The attempt's log is sealed: nothing is added to it.
    LogSealed as StaleAttempt = "the log of the attempt is complete";
    LogIsLive as WrongPhase = "the log is not complete yet";
    TooManyLogs as TooManyRequests = "too much of logs waits to be stored";

    ArchiveNotExist(step: u16) = "step {step} has saved no archive";
    /// It was saved, and is not kept any more, or was lost.
    ArchiveExpired(step: u16) = "the archive of step {step} is gone";
    ArchiveTooLarge(limit: u64) = "an archive may have {limit} bytes";
    /// The archive is not what the request says it is.
    BadArchive(problem: String) = "{problem}";
    /// A status names an archive that is not in object storage.
    ArchiveNotStored(step: String) = "the archive of step {step} is not stored: upload it again";
    TooManyArchives as TooManyRequests = "too many archives are on their way";

    /// A query names a key of a cache that can be none.
    InvalidCacheKey(parameter: &'static str, why: String) as InvalidQuery = "`{parameter}` {why}";
    CacheNotExist(entry: CacheId) = "the project has no cache entry `{entry}`";
    /// The run only reads, such as one of a fork.
    CacheReadOnly = "the run may not add entries to the cache";

    InvalidFrom as InvalidCursor = "`from` must be a cursor that this route answered";
    CursorExpired(restart: String) =
        "what follows the cursor is not known any more: list the runs, and go on from `{restart}`";

    WrongPhase(phase: Phase) = "the run is in the phase `{phase}`";
    NotDecided(problem: String) as WrongPhase = "{problem}";
    RunNotRestartable(problem: String) = "{problem}";
    ArchivesExpired(task: TaskName, needs: TaskName) =
        "`{needs}` needs the archives of `{task}`, which do not exist any more";
    TooManyQueuedRuns(limit: u64, of: &'static str) as TooManyRequests =
        "{limit} runs of the {of} are queued already";
}
