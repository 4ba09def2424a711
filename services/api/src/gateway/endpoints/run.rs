//! The runs of a project, their tasks and logs, its events and its badge.

use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::page::{InvalidPage, Page, ReadQuery};

use super::Forbidden;
use crate::configstore::refusals::ProjectNotExist;
use crate::endpoints::endpoints;
use crate::gateway::types::{
    BadgeQuery, ProjectEventsQuery, ProjectRunsQuery, RestartRun, SVG, StartRun, TaskDecision,
};
use crate::runservice::refusals::{
    ArchiveExpired, ArchiveNotExist, ArchivesExpired, CacheNotExist, CursorExpired, InvalidField,
    InvalidFrom, LogAttemptNotExist, LogDeleted, LogIsLive, LogNotExist, NeverStarted, NotDecided,
    NotRepeatable, RunNotRestartable, RunNumberNotExist, TaskNotExist, TooManyQueuedRuns,
    WrongPhase,
};
use crate::runservice::types::{
    ARCHIVE, ArchiveQuery, CacheView, EventPage, LOG_TEXT, LogAttemptQuery, LogQuery, RunSummary,
    RunView, TaskView,
};

endpoints! {
    list: List { InvalidPage, ProjectNotExist } =
        Endpoint::get("/api/v1/projects/{project}/runs")
            .about("lists runs of a project without their tasks, in the order of their creation")
            .query::<ProjectRunsQuery>()
            .answers::<Page<RunSummary>>();
    create: Create { InvalidField, NotRepeatable, ProjectNotExist, TooManyQueuedRuns } =
        Endpoint::post("/api/v1/projects/{project}/runs")
            .about("starts a run of a file; a file with errors makes a run that shows them")
            .creates::<StartRun, RunView>();
    events: Events { CursorExpired, InvalidFrom, ProjectNotExist } =
        Endpoint::get("/api/v1/projects/{project}/runs/events")
            .unbounded()
            .about("lists changes of runs of a project, or streams them as text/event-stream")
            .query::<ProjectEventsQuery>()
            .answers::<EventPage>();
    get: Get { ProjectNotExist, RunNumberNotExist } =
        Endpoint::get("/api/v1/projects/{project}/runs/{number}")
            .about("shows a run with its tasks, and what each of them waits for")
            .shows::<RunView>();
    cancel: Cancel { ProjectNotExist, RunNumberNotExist, WrongPhase } =
        Endpoint::post("/api/v1/projects/{project}/runs/{number}/cancel")
            .about("cancels a queued run")
            .bodiless();
    stop: Stop { ProjectNotExist, RunNumberNotExist, WrongPhase } =
        Endpoint::post("/api/v1/projects/{project}/runs/{number}/stop")
            .about("stops a running run, or cancels a queued one")
            .bodiless();
    restart: Restart {
        ArchivesExpired, NotRepeatable, ProjectNotExist, RunNotRestartable, RunNumberNotExist,
        TooManyQueuedRuns,
    } =
        Endpoint::post("/api/v1/projects/{project}/runs/{number}/restart")
            .about("restarts a run as a new one, whose variables are resolved anew")
            .creates::<RestartRun, RunView>();
    task: Task { ProjectNotExist, RunNumberNotExist, TaskNotExist } =
        Endpoint::get("/api/v1/projects/{project}/runs/{number}/tasks/{task}")
            .about("shows a task of a run")
            .query::<ReadQuery>()
            .answers::<TaskView>();
    approve: Approve {
        Forbidden, InvalidField, NotDecided, ProjectNotExist, RunNumberNotExist, TaskNotExist,
    } =
        Endpoint::post("/api/v1/projects/{project}/runs/{number}/tasks/{task}/approve")
            .about("approves a task that waits for it, in the name of the caller")
            .takes::<TaskDecision>();
    refuse: Refuse {
        InvalidField, NotDecided, ProjectNotExist, RunNumberNotExist, TaskNotExist,
    } =
        Endpoint::post("/api/v1/projects/{project}/runs/{number}/tasks/{task}/refuse")
            .about("refuses a task that waits for an approval, in the name of the caller")
            .takes::<TaskDecision>();
    read_log: ReadLog {
        LogAttemptNotExist, LogDeleted, LogNotExist, NeverStarted, ProjectNotExist,
        RunNumberNotExist, TaskNotExist,
    } =
        Endpoint::get("/api/v1/projects/{project}/runs/{number}/tasks/{task}/logs/{step}")
            .about("reads a log of an attempt, and follows it until it is complete")
            .unbounded()
            .query::<LogQuery>()
            .answers_media(LOG_TEXT);
    delete_logs: DeleteLogs {
        LogAttemptNotExist, LogIsLive, NeverStarted, ProjectNotExist, RunNumberNotExist,
        TaskNotExist,
    } =
        Endpoint::delete("/api/v1/projects/{project}/runs/{number}/tasks/{task}/logs")
            .about("deletes all logs of an attempt that has ended")
            .query::<LogAttemptQuery>();
    read_archive: ReadArchive {
        ArchiveExpired, ArchiveNotExist, LogAttemptNotExist, NeverStarted, ProjectNotExist,
        RunNumberNotExist, TaskNotExist,
    } =
        Endpoint::get("/api/v1/projects/{project}/runs/{number}/tasks/{task}/archives/{step}")
            .about("reads the archive that a step of an attempt has saved")
            .unbounded()
            .query::<ArchiveQuery>()
            .answers_media(ARCHIVE);
    list_caches: ListCaches { InvalidPage, ProjectNotExist } =
        Endpoint::get("/api/v1/projects/{project}/caches")
            .about("lists the entries of a project's cache, in the order of their creation")
            .lists::<CacheView>();
    delete_cache: DeleteCache { CacheNotExist, ProjectNotExist } =
        Endpoint::delete("/api/v1/projects/{project}/caches/{cache}")
            .about("deletes an entry of a project's cache");
    badge: Badge { InvalidBranch, ProjectNotExist } =
        Endpoint::get("/api/v1/projects/{project}/badge.svg")
            .about("shows the result of the last run of a branch that has finished, as an image")
            .query::<BadgeQuery>()
            .answers_media(SVG);
}

drydock_core::refusals! {
    /// A query names a branch that can be none.
    InvalidBranch as InvalidQuery = "`branch` is no name of a branch";
}
