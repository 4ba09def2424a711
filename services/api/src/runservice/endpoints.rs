//! Runservice's operations, grouped by noun.

use drydock_core::error::Code;
use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::page::InvalidPage;
use drydock_http::api::precondition::RevisionMismatch;

use crate::endpoints::endpoints;
use crate::names::InvalidName;
use crate::runservice::refusals::{
    ArchiveExpired, ArchiveNotExist, ArchiveNotStored, ArchiveTooLarge, ArchivesExpired,
    AttemptNotExist, BadArchive, BadStatus, CacheNotExist, CacheReadOnly, CursorExpired,
    EncryptionKeyMissing, ExecutorAlreadyExists, ExecutorNotExist, ExecutorUnknown,
    InvalidCacheKey, InvalidField, InvalidFrom, LogAttemptNotExist, LogDeleted, LogExpired,
    LogIsLive, LogNotExist, LogSealed, LogTooLarge, NeverStarted, NotDecided, NotRegistered,
    NotRepeatable, RunNotExist, RunNotRestartable, RunNumberNotExist, SessionReplaced,
    StaleAttempt, TaskNotExist, TooManyArchives, TooManyLogs, TooManyQueuedRuns, WrongPhase,
};
use crate::runservice::types::{
    ARCHIVE, AppendQuery, Appended, ApprovalBody, ArchiveQuery, ArchiveReport, AttemptView,
    ByNumberQuery, CacheView, ClaimQuery, Claimed, EventPage, EventsQuery, ExecutorChange,
    ExecutorView, FindCacheQuery, Heartbeat, HeartbeatAnswer, LOG_BYTES, LOG_TEXT, LogAttemptQuery,
    LogQuery, NewClaim, NewExecutor, NewExecutorView, NewRun, ResumeGateView, RunSummary, RunView,
    RunsQuery, SaveCacheQuery, Status, UploadQuery,
};

/// All endpoints, in the order of the document.
pub fn all() -> Vec<Endpoint> {
    let runs = [run::all(), event::all(), log::all(), archive::all(), cache::all(), gate::all()];
    [runs.concat(), executor::all(), own::all()].concat()
}

/// Runs.
pub mod run {
    use super::*;

    endpoints! {
        list: List { InvalidPage } =
            Endpoint::get("/api/v1/runs")
                .about("lists runs without their tasks, in the order of their creation")
                .lists::<RunSummary>()
                .query::<RunsQuery>()
                .undelegated();
        create: Create {
            ArchivesExpired, InvalidField, NotRepeatable, RunNotExist, RunNotRestartable,
            TooManyQueuedRuns,
        } =
            Endpoint::post("/api/v1/runs")
                .about("creates a run, or restarts one as a new run")
                .creates::<NewRun, RunView>()
                .undelegated();
        by_number: ByNumber { RunNumberNotExist } =
            Endpoint::get("/api/v1/runs/by_number")
                .about("shows the run of a project that has this number")
                .query::<ByNumberQuery>()
                .answers::<RunView>();
        get: Get { RunNotExist } =
            Endpoint::get("/api/v1/runs/{run}")
                .about("shows a run with its tasks, and what each of them waits for")
                .shows::<RunView>()
                .undelegated();
        cancel: Cancel { RunNotExist, WrongPhase } =
            Endpoint::post("/api/v1/runs/{run}/cancel")
                .about("cancels a queued run")
                .bodiless();
        stop: Stop { RunNotExist, WrongPhase } =
            Endpoint::post("/api/v1/runs/{run}/stop")
                .about("stops a running run, or cancels a queued one")
                .bodiless();
        approve: Approve { InvalidField, NotDecided, RunNotExist, TaskNotExist } =
            Endpoint::post("/api/v1/runs/{run}/tasks/{task}/approve")
                .about("approves a task that waits for it")
                .takes::<ApprovalBody>();
        refuse: Refuse { InvalidField, NotDecided, RunNotExist, TaskNotExist } =
            Endpoint::post("/api/v1/runs/{run}/tasks/{task}/refuse")
                .about("refuses a task that waits for an approval")
                .takes::<ApprovalBody>();
    }
}

/// The logs of attempts.
pub mod log {
    use super::*;

    endpoints! {
        read: Read {
            LogAttemptNotExist, LogDeleted, LogExpired, LogNotExist, NeverStarted, RunNotExist,
            TaskNotExist,
        } =
            Endpoint::get("/api/v1/runs/{run}/tasks/{task}/logs/{step}")
                .about("reads a log of an attempt, and follows it until it is complete")
                .unbounded()
                .query::<LogQuery>()
                .answers_media(LOG_TEXT)
                .refuses(&[Code::StorageUnavailable]);
        delete: DeleteLogs {
            LogAttemptNotExist, LogIsLive, NeverStarted, RunNotExist, TaskNotExist,
        } =
            Endpoint::delete("/api/v1/runs/{run}/tasks/{task}/logs")
                .about("deletes all logs of an attempt that has ended")
                .query::<LogAttemptQuery>();
    }
}

/// The archives that attempts have saved.
pub mod archive {
    use super::*;

    endpoints! {
        read: Read {
            ArchiveExpired, ArchiveNotExist, LogAttemptNotExist, NeverStarted, RunNotExist,
            TaskNotExist,
        } =
            Endpoint::get("/api/v1/runs/{run}/tasks/{task}/archives/{step}")
                .about("reads the archive that a step of an attempt has saved")
                .unbounded()
                .query::<ArchiveQuery>()
                .answers_media(ARCHIVE)
                .refuses(&[Code::StorageUnavailable]);
    }
}

/// The entries of the caches of projects.
pub mod cache {
    use super::*;

    endpoints! {
        list: List { InvalidPage } =
            Endpoint::get("/api/v1/projects/{project}/caches")
                .about("lists the entries of a project's cache, in the order of their creation")
                .lists::<CacheView>()
                .undelegated();
        delete: Delete { CacheNotExist } =
            Endpoint::delete("/api/v1/projects/{project}/caches/{cache}")
                .about("deletes an entry of a project's cache");
    }
}

/// Events of runs.
pub mod event {
    use super::*;

    endpoints! {
        list: List { CursorExpired, InvalidFrom } =
            Endpoint::get("/api/v1/runs/events")
                .unbounded()
                .about("lists changes of runs, or streams them as text/event-stream")
                .query::<EventsQuery>()
                .answers::<EventPage>();
    }
}

/// The gate through which queued runs start after maintenance.
pub mod gate {
    use super::*;

    endpoints! {
        show = Endpoint::get("/api/v1/gates/resume")
            .about("shows how queued runs start after maintenance, and what became of attempts")
            .shows::<ResumeGateView>()
            .undelegated();
        open = Endpoint::delete("/api/v1/gates/resume")
            .about("lets queued runs start at once");
    }
}

/// Executors, for operators.
pub mod executor {
    use super::*;

    endpoints! {
        list: List { InvalidPage } =
            Endpoint::get("/api/v1/executors")
                .about("lists executors, without their tokens")
                .lists::<ExecutorView>()
                .undelegated();
        create: Create { ExecutorAlreadyExists, InvalidField, InvalidName, NotRepeatable } =
            Endpoint::post("/api/v1/executors")
                .about("registers an executor, and shows its token once")
                .creates::<NewExecutor, NewExecutorView>()
                .undelegated();
        get: Get { ExecutorNotExist } =
            Endpoint::get("/api/v1/executors/{executor}")
                .about("shows an executor")
                .shows::<ExecutorView>()
                .undelegated();
        update: Update { ExecutorNotExist, RevisionMismatch } =
            Endpoint::put("/api/v1/executors/{executor}")
                .about("enables, disables or drains an executor")
                .changes::<ExecutorChange, ExecutorView>()
                .undelegated();
        delete: Delete { ExecutorNotExist, RevisionMismatch } =
            Endpoint::delete("/api/v1/executors/{executor}")
                .about("ends the registration of an executor, whose attempts are lost at once")
                .deletes()
                .undelegated();
    }
}

/// The routes of executors, each for its own attempts, with its own token.
pub mod own {
    use super::*;

    endpoints! {
        heartbeat: Beat { InvalidField, NotRegistered, SessionReplaced } =
            Endpoint::put("/api/v1/executors/self")
                .about("says what an executor is and holds, and answers what it has to do")
                .registered()
                .not_forwarded()
                .takes::<Heartbeat>()
                .answers::<HeartbeatAnswer>();
        claim: Claim {
            EncryptionKeyMissing, ExecutorUnknown, NotRegistered, SessionReplaced, StaleAttempt,
        } =
            Endpoint::post("/api/v1/executors/self/claims")
                .about("gives the executor a task, or answers 204 if there is none for it")
                .registered()
                .not_forwarded()
                .query::<ClaimQuery>()
                .takes::<NewClaim>()
                .answers_created::<Claimed>();
        attempt: Attempt { AttemptNotExist } =
            Endpoint::get("/api/v1/executors/self/attempts/{attempt}")
                .about("shows an attempt of the executor")
                .registered()
                .answers::<AttemptView>();
        report: Report { ArchiveNotStored, AttemptNotExist, BadStatus, StaleAttempt } =
            Endpoint::put("/api/v1/executors/self/attempts/{attempt}")
                .about("takes the end of an attempt; the same again changes nothing")
                .registered()
                .takes::<Status>()
                .answers::<AttemptView>();
        append: Append { AttemptNotExist, LogSealed, LogTooLarge, TooManyLogs } =
            Endpoint::put("/api/v1/executors/self/attempts/{attempt}/logs/{step}")
                .about("takes a piece of a log; the same again changes nothing")
                .registered()
                .octets()
                .not_forwarded()
                .query::<AppendQuery>()
                .takes_media(&[LOG_BYTES])
                .answers::<Appended>();
        upload: UploadArchive {
            ArchiveTooLarge, AttemptNotExist, BadArchive, StaleAttempt, TooManyArchives,
        } =
            Endpoint::put("/api/v1/executors/self/attempts/{attempt}/archives/{step}")
                .about("stores what a step saves, each time as an object of its own")
                .registered()
                .streamed()
                .unbounded()
                .query::<UploadQuery>()
                .takes_media(&[ARCHIVE])
                .answers::<ArchiveReport>()
                .refuses(&[Code::InvalidBody]);
        download: DownloadArchive { ArchiveExpired, ArchiveNotExist, AttemptNotExist } =
            Endpoint::get("/api/v1/executors/self/attempts/{attempt}/archives/{step}")
                .about("reads an archive that a task of the executor's restores")
                .registered()
                .unbounded()
                .answers_media(ARCHIVE)
                .refuses(&[Code::StorageUnavailable]);
        find_cache: FindCache { AttemptNotExist, InvalidCacheKey, StaleAttempt } =
            Endpoint::get("/api/v1/executors/self/attempts/{attempt}/caches")
                .about("reads the cache entry that keys find, or answers 204 if there is none")
                .registered()
                .unbounded()
                .query::<FindCacheQuery>()
                .answers_media_or_nothing(ARCHIVE)
                .refuses(&[Code::StorageUnavailable]);
        save_cache: SaveCache {
            ArchiveTooLarge, AttemptNotExist, BadArchive, CacheReadOnly, InvalidCacheKey,
            StaleAttempt, TooManyArchives,
        } =
            Endpoint::post("/api/v1/executors/self/attempts/{attempt}/caches")
                .about("adds a cache entry; if there is one of the key, answers 200 with that")
                .registered()
                .streamed()
                .unbounded()
                .query::<SaveCacheQuery>()
                .takes_media(&[ARCHIVE])
                .answers_created_or_kept::<CacheView>()
                .refuses(&[Code::InvalidBody]);
    }
}
