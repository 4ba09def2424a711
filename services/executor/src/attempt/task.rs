//! `task.json` and `stop.json`: what the executor tells the supervisor.

use std::collections::BTreeMap;
use std::path::PathBuf;

use drydock_api::runservice::types::{Reason, StepWhen};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The id of the attempt.
    pub attempt: String,
    /// The id of the run.
    pub run: String,
    /// The number of the run in its project.
    pub number: u64,
    /// The name of the task.
    pub task: String,
    pub steps: Vec<TaskStep>,
    /// The environment that the definition gives. Names that begin with `DRYDOCK_` are left out.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Further variables, whose values are masked.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// The program that runs a script, and its first arguments; the script's name follows.
    #[serde(default = "default_shell")]
    pub shell: Vec<String>,
    /// How long the attempt may still take; absent: as long as it wants.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// How long processes may take to end by themselves after a timeout.
    #[serde(default = "default_grace_ms")]
    pub grace_ms: u64,
    /// How long the steps that always run may take together after a stop or a timeout.
    #[serde(default = "default_cleanup_ms")]
    pub cleanup_ms: u64,
    #[serde(default)]
    pub stop_signal: StopSignal,
    #[serde(default)]
    pub limits: Limits,
    /// Absent: the run has no caches, and steps of caches do nothing.
    #[serde(default)]
    pub cache: Option<CacheContext>,
    /// The user that steps run as; absent: the supervisor's own.
    #[serde(default)]
    pub user: Option<User>,
    /// A delegated cgroup (version 2), below which the attempt gets its own; absent: none is.
    #[serde(default)]
    pub cgroup: Option<PathBuf>,
}

impl Task {
    /// A task with the defaults of everything else.
    pub fn new(
        attempt: String,
        run: String,
        number: u64,
        task: String,
        steps: Vec<TaskStep>,
    ) -> Task {
        Task {
            attempt,
            run,
            number,
            task,
            steps,
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            shell: default_shell(),
            timeout_ms: None,
            grace_ms: default_grace_ms(),
            cleanup_ms: default_cleanup_ms(),
            stop_signal: StopSignal::default(),
            limits: Limits::default(),
            cache: None,
            user: None,
            cgroup: None,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskStep {
    /// The text of a script.
    pub command: String,
    /// What the step does besides running scripts.
    #[serde(default)]
    pub action: StepAction,
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    #[serde(default)]
    pub when: StepWhen,
    /// Exit codes besides 0 that are a success.
    #[serde(default)]
    pub allow_exit: Vec<u8>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepAction {
    /// Runs its script.
    #[default]
    Run,
    /// Packs what these patterns match in the working folder.
    Save(Vec<String>),
    /// Lays out what the attempt restores.
    Restore,
    /// Packs what these patterns match in the working folder, to be cached under a key.
    SaveCache { key: String, paths: Vec<String> },
    /// Lays out what is cached under one of these keys, if there is something.
    RestoreCache(Vec<String>),
}

/// What placeholders in the keys of caches stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheContext {
    pub branch: String,
    pub sha: String,
    pub arch: String,
}

/// The signal that asks processes to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopSignal {
    #[default]
    Term,
    Int,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The bytes of a step's log.
    pub step_log_bytes: u64,
    /// The bytes of all logs.
    pub attempt_log_bytes: u64,
    pub log_limit: LogLimit,
    /// The open files of a process; absent: as the supervisor was started with.
    pub open_files: Option<u64>,
    /// The processes of the steps' user; absent: as the supervisor was started with.
    pub processes: Option<u64>,
    /// The bytes of memory of the attempt, if it has a cgroup.
    pub memory_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            step_log_bytes: 16 << 20,
            attempt_log_bytes: 64 << 20,
            log_limit: LogLimit::Truncate,
            open_files: None,
            processes: None,
            memory_bytes: None,
        }
    }
}

/// What follows when a log is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLimit {
    /// The middle of the log is left out, and the task goes on.
    #[default]
    Truncate,
    /// The attempt fails.
    Fail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// The order to stop. After a further one, with a greater number, there is no grace any more, and
/// no further step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub reason: Reason,
    /// How long processes may take to end by themselves.
    pub grace_ms: u64,
    /// 1 for the first order.
    pub order: u32,
}

fn default_shell() -> Vec<String> {
    ["/bin/sh", "-eu"].map(str::to_owned).to_vec()
}

fn default_grace_ms() -> u64 {
    10_000
}

fn default_cleanup_ms() -> u64 {
    300_000
}
