//! Objects of runservice, as requests and answers hold them. The store keeps the same types where
//! both are equal.

mod archive;
mod cache;
mod event;
mod executor;
mod gate;
mod ids;
mod log;
mod names;
mod report;
mod run;
mod state;
mod task;
mod time_span;
mod waiting;

pub use archive::{ARCHIVE, ArchiveQuery, MAX_ARCHIVE_BYTES, UploadQuery};
pub use cache::{
    CACHE_KEY, CACHE_SCOPE, CacheScopes, CacheView, ClaimedCache, FindCacheQuery, MAX_CACHE_BYTES,
    MAX_CACHE_KEYS, MAX_CACHE_SCOPE, MAX_CACHE_SCOPES, SaveCacheQuery, from_header, to_header,
};
pub use event::{EVENT_STREAM, EventPage, EventsQuery, LAST_EVENT_ID, RunEventView};
pub use executor::{
    ClaimQuery, Claimed, ClaimedAttempt, ClaimedRun, ClaimedTask, ExecutorChange, ExecutorView,
    Heartbeat, HeartbeatAnswer, HeldAttempt, MAX_LIMIT, NewClaim, NewExecutor, NewExecutorView,
    RestoredArchive, StopAttempt,
};
pub use gate::{ReconciliationView, ResumeGateView};
pub use ids::{AttemptId, CacheId, ClaimId, ExecutorId, ProjectId, RunId, TaskId};
pub use log::{
    AppendQuery, Appended, InvalidLogStep, LOG_BYTES, LOG_STATE, LOG_TEXT, LogAttemptQuery,
    LogQuery, LogStep, MAX_LOG_BYTES,
};
pub use names::{Group, InvalidGroup, InvalidLabel, InvalidTaskName, Label, TaskName};
pub use report::{ArchiveReport, LogReport, MAX_OBJECT_NAME, Status, StepExit, StepReport};
pub use run::{
    ApprovalBody, ApprovalDecision, ApprovalView, AttemptView, ByNumberQuery, MAX_ANNOTATIONS,
    MAX_ENVIRONMENT_BYTES, MAX_SETUP_ERROR, MAX_SETUP_ERRORS, MAX_TEXT, NewRun, RunSummary,
    RunView, RunsQuery, TaskView,
};
pub use state::{
    AttemptPhase, HeldState, LogState, OnNewer, Phase, Reason, RestartFrom, RunResult, TaskStatus,
};
pub use task::{
    AllowFailure, ApprovalRule, Condition, Conditions, Dependency, Retry, RetryFor, RetryKind,
    RunStep, SaveStep, Step, StepWhen, TaskSpec,
};
pub use time_span::{InvalidTimeSpan, TimeSpan};
pub use waiting::WaitingFor;
