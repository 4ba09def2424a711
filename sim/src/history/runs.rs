//! Calls at runservice: those of whoever makes runs, and those of executors.

use std::fmt;

use drydock_api::runservice::types::{
    AttemptId, AttemptPhase, Claimed, Heartbeat, HeartbeatAnswer, NewClaim, NewRun, Phase, RunId,
    RunResult, Status, TaskId, TaskName, TaskStatus,
};
use serde_json::Value;
use uuid::Uuid;

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
    /// A request that must be refused.
    Bad {
        by: Option<Token>,
        bad: BadCall,
    },
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
            RunsReply::Accepted => f.write_str("accepted"),
        }
    }
}
