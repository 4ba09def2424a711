//! Calls at runservice: those of whoever makes runs, and those of executors.

use std::fmt;

use bytes::Bytes;
use drydock_api::runservice::types::{
    Appended, ArchiveReport, AttemptId, AttemptPhase, Claimed, Heartbeat, HeartbeatAnswer,
    NewClaim, NewRun, Phase, RunId, RunResult, Status, TaskId, TaskName, TaskStatus,
};
use serde_json::Value;
use uuid::Uuid;

use super::answer::Digest;
use super::{Reads, Token};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunsCall {
    /// Registers an executor.
    Register {
        name: String,
        labels: Vec<String>,
        key: u64,
    },
    Unregister {
        executor: Uuid,
    },
    /// Creates a run under an idempotency key, or restarts one.
    Create {
        new: Box<NewRun>,
        key: u64,
    },
    Look {
        run: RunId,
        reads: Reads,
    },
    /// The runs that are not final.
    Open,
    Stop {
        run: RunId,
    },
    Cancel {
        run: RunId,
    },
    Decide {
        run: RunId,
        task: TaskName,
        approve: bool,
        approver: String,
    },
    Beat {
        by: Token,
        beat: Box<Heartbeat>,
    },
    Claim {
        by: Token,
        claim: NewClaim,
    },
    Report {
        by: Token,
        attempt: AttemptId,
        status: Box<Status>,
    },
    /// Sends a piece of a log.
    Append {
        by: Token,
        attempt: AttemptId,
        step: usize,
        offset: u64,
        piece: Bytes,
    },
    /// Stores what a step has saved.
    Upload {
        by: Token,
        attempt: AttemptId,
        step: usize,
        bytes: Bytes,
    },
    /// Reads what a step of another attempt has saved, to restore it.
    Download {
        by: Token,
        attempt: AttemptId,
        step: String,
    },
    /// Reads a log from a place on.
    Read {
        log: LogName,
        offset: u64,
        follow: bool,
    },
    /// A request that must be refused.
    Bad {
        by: Option<Token>,
        bad: BadCall,
    },
}

/// The log of a step of an attempt, as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogName {
    pub run: RunId,
    pub task: TaskName,
    pub attempt: u32,
    pub step: usize,
}

/// A log as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSeen {
    /// The state that the answer named.
    pub state: String,
    pub bytes: Vec<u8>,
    /// Whether the answer came to its end.
    pub ended: bool,
}

/// A request that is not as it should be, or that lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCall {
    pub what: &'static str,
    pub method: &'static str,
    pub path: String,
    pub body: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunsReply {
    Run(RunSeen),
    Open(Vec<RunId>),
    Orders(HeartbeatAnswer),
    Claimed(Option<Box<Claimed>>),
    Attempt {
        id: AttemptId,
        phase: AttemptPhase,
    },
    Appended(Appended),
    Stored(ArchiveReport),
    Archive(Bytes),
    Log(LogSeen),
    /// What must be refused was not.
    Accepted,
}

/// A run as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSeen {
    pub id: RunId,
    pub number: u64,
    pub phase: Phase,
    pub result: RunResult,
    pub revision: u64,
    /// The tasks with their states; those that wait for an approval are named besides.
    pub tasks: Vec<(TaskId, TaskStatus)>,
    pub waiting: Vec<TaskName>,
    /// The newest attempts of tasks.
    pub attempts: Vec<(RunId, TaskName, u32)>,
}

impl fmt::Display for RunsCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunsCall::Register { name, labels, .. } => write!(f, "register {name} {labels:?}"),
            RunsCall::Unregister { executor } => write!(f, "unregister {executor}"),
            RunsCall::Create { new, key } => match (new.restart_of, new.from) {
                (Some(run), Some(from)) => write!(f, "restart {run} from {from}, key {key}"),
                _ => {
                    let name = new.name.as_deref().unwrap_or_default();
                    let group = new.group.as_ref().map(ToString::to_string).unwrap_or_default();
                    write!(f, "create run {name} in {group}, key {key}")
                }
            },
            RunsCall::Look { run, reads } => write!(f, "look at run {run}, {reads:?}"),
            RunsCall::Open => f.write_str("list open runs"),
            RunsCall::Stop { run } => write!(f, "stop run {run}"),
            RunsCall::Cancel { run } => write!(f, "cancel run {run}"),
            RunsCall::Decide { run, task, approve, approver } => {
                let verb = if *approve { "approves" } else { "refuses" };
                write!(f, "{approver} {verb} {task} of run {run}")
            }
            RunsCall::Beat { beat, .. } => {
                let (session, held) = (beat.session, beat.held.len());
                write!(f, "heartbeat of session {session}, {held} held, {} asked", beat.asked.len())
            }
            RunsCall::Claim { claim, .. } => {
                write!(f, "claim {} of session {}", claim.claim, claim.session)
            }
            RunsCall::Report { attempt, status, .. } => {
                write!(f, "report attempt {attempt}: {}", status.phase)
            }
            RunsCall::Append { attempt, step, offset, piece, .. } => {
                write!(f, "append {} at {offset} to step {step} of {attempt}", Digest(piece))
            }
            RunsCall::Upload { attempt, step, bytes, .. } => {
                write!(f, "upload {} of step {step} of {attempt}", Digest(bytes))
            }
            RunsCall::Download { attempt, step, .. } => {
                write!(f, "download what step {step} of {attempt} has saved")
            }
            RunsCall::Read { log, offset, follow } => {
                let verb = if *follow { "follow" } else { "read" };
                let LogName { run, task, attempt, step } = log;
                write!(f, "{verb} log {step} of attempt {attempt} of {task} of {run} at {offset}")
            }
            RunsCall::Bad { bad, .. } => {
                write!(f, "bad: {} {} ({})", bad.method, bad.path, bad.what)
            }
        }
    }
}

impl fmt::Display for RunsReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunsReply::Run(run) => {
                let RunSeen { id, number, phase, result, revision, .. } = run;
                write!(f, "run {id} number {number}: {phase} {result} at {revision}")
            }
            RunsReply::Open(runs) => write!(f, "{} runs", runs.len()),
            RunsReply::Orders(orders) => write!(
                f,
                "stop {}, release {}, unknown {}",
                orders.stop.len(),
                orders.release.len(),
                orders.unknown.len()
            ),
            RunsReply::Claimed(None) => f.write_str("nothing"),
            RunsReply::Claimed(Some(claimed)) => {
                let (run, task) = (claimed.run.id, &claimed.task.name);
                write!(f, "attempt {} of {task} of run {run}", claimed.attempt.id)
            }
            RunsReply::Attempt { id, phase } => write!(f, "attempt {id}: {phase}"),
            RunsReply::Appended(Appended { received, stored, .. }) => {
                write!(f, "received {received}, stored {stored}")
            }
            RunsReply::Stored(archive) => write!(f, "stored as {}", archive.object),
            RunsReply::Archive(bytes) => write!(f, "archive, {}", Digest(bytes)),
            RunsReply::Log(LogSeen { state, bytes, ended }) => {
                let end = if *ended { "ended" } else { "cut" };
                write!(f, "{state} log, {}, {end}", Digest(bytes))
            }
            RunsReply::Accepted => f.write_str("accepted"),
        }
    }
}
