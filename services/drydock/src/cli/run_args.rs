//! The arguments of `drydock run`.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};
use drydock_api::names::TreeRef;
use drydock_api::runservice::types::{CacheId, LogStep, RestartFrom, TaskName};

#[derive(Debug, Subcommand)]
pub enum RunAction {
    /// Check a file that defines runs, and print the graphs of its runs; calls no service
    Check {
        /// The file, YAML or JSON; `-` is stdin
        file: PathBuf,
    },
    /// Start a run of a project. With --wait the exit code is that of the run: 0 if it succeeds,
    /// else 1
    Start(StartArgs),
    /// List the runs of a project, the newest first
    List {
        /// The project, by path (`user/alice/site`) or id
        project: TreeRef,
        /// The greatest number of runs
        #[arg(long, default_value_t = 25,
              value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
        limit: usize,
    },
    /// Show a run with its tasks
    Show(RunRef),
    /// Show a run as it goes on, until its end; the exit code is 1 if it does not succeed. Ctrl-C
    /// ends this command alone, with the exit code 130
    Watch(RunRef),
    /// Stop a run that runs, or cancel one that is queued
    Stop(RunRef),
    /// Cancel a run that is queued
    Cancel(RunRef),
    /// Restart a run that has ended, as a new one
    Restart {
        #[command(flatten)]
        run: RunRef,
        /// Which tasks run again: all of them (`start`), or the failed ones and those after them
        #[arg(long, default_value = "start")]
        from: FromArg,
        /// Show the new run until its end; the exit code is 1 if it does not succeed
        #[arg(long)]
        wait: bool,
    },
    /// Print the log of a task
    Logs(LogsArgs),
    /// Approve a task that waits for it
    Approve(DecisionArgs),
    /// Refuse a task that waits for an approval
    Refuse(DecisionArgs),
}

/// The arguments of `drydock cache`.
#[derive(Debug, Subcommand)]
pub enum CacheAction {
    /// List the entries of a project's cache, the oldest first
    List {
        /// The project, by path (`user/alice/site`) or id
        project: TreeRef,
    },
    /// Delete an entry; the next run that saves its key makes a new one
    Delete {
        /// The project, by path (`user/alice/site`) or id
        project: TreeRef,
        /// The id of the entry, as `list` shows it
        entry: CacheId,
    },
}

#[derive(Debug, Args)]
pub struct StartArgs {
    /// The project, by path (`user/alice/site`) or id
    pub project: TreeRef,
    #[command(flatten)]
    pub source: SourceArgs,
    /// The file that defines the run, YAML or JSON; `-` is stdin
    #[arg(long)]
    pub file: PathBuf,
    /// The run of the file; may be left out if only one is for this branch, tag or ref
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// The commit that the run is for
    #[arg(long, value_name = "SHA")]
    pub commit: Option<String>,
    /// What the run is for, in words
    #[arg(long)]
    pub message: Option<String>,
    /// Show the run until its end; the exit code is 1 if it does not succeed
    #[arg(long)]
    pub wait: bool,
}

/// The source of a run in its repository.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct SourceArgs {
    /// The branch that the run is for
    #[arg(long)]
    pub branch: Option<String>,
    /// The tag that the run is for
    #[arg(long)]
    pub tag: Option<String>,
    /// The other reference that the run is for
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct RunRef {
    /// The project, by path (`user/alice/site`) or id
    pub project: TreeRef,
    /// The number of the run in its project
    pub number: u64,
}

#[derive(Debug, Args)]
pub struct LogsArgs {
    #[command(flatten)]
    pub run: RunRef,
    /// The task, by its name in the file
    pub task: TaskName,
    /// One log alone: `setup`, or the number of a step, from 0
    pub step: Option<LogStep>,
    /// The number of the attempt; by default the last one
    #[arg(long)]
    pub attempt: Option<u32>,
    /// Go on until the task has ended
    #[arg(long)]
    pub follow: bool,
}

#[derive(Debug, Args)]
pub struct DecisionArgs {
    #[command(flatten)]
    pub run: RunRef,
    /// The task, by its name in the file
    pub task: TaskName,
    /// Why, in words that the run shows
    #[arg(long)]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FromArg {
    Start,
    Failed,
}

impl From<FromArg> for RestartFrom {
    fn from(arg: FromArg) -> RestartFrom {
        match arg {
            FromArg::Start => RestartFrom::Start,
            FromArg::Failed => RestartFrom::Failed,
        }
    }
}
