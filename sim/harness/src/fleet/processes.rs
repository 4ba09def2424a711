//! Many plans, each in a process of its own, several at a time.
//!
//! A process per run keeps statics, thread-locals and hash seeds of one run out of the next. The
//! parent schedules, sets time-outs and collects.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::exit::Failure;
use super::plan::Plan;
use crate::report::{Outcome, Verdict};

/// The processor's time after which a run counts as stuck. A machine that is busy with other things
/// makes no run a finding.
const CPU_LIMIT: Duration = Duration::from_secs(120);
/// Real time after which a run counts as stuck although it needs no processor.
const RUN_TIMEOUT: Duration = Duration::from_secs(1200);
/// The time between two looks at it.
const LOOK: Duration = Duration::from_secs(1);

/// What a child is told besides its plan: `--events FILE`, `--trace FILE`, `--until-ms MS` and
/// `--log LEVEL`, after the command `child`.
#[derive(Debug, Clone, Default)]
pub struct ChildOptions {
    pub events: Option<PathBuf>,
    pub trace: Option<PathBuf>,
    pub until_ms: Option<u64>,
    pub log: Option<String>,
}

/// A plan and where it comes from.
#[derive(Debug, Clone)]
pub struct Job {
    pub scenario: String,
    pub seed: u64,
    /// The plan, as a child reads it.
    pub text: String,
    /// The plan's file, if it has one.
    pub file: Option<PathBuf>,
}

impl Job {
    pub fn new(plan: &impl Plan, file: Option<PathBuf>) -> Job {
        let (scenario, seed) = (plan.scenario().to_owned(), plan.seed());
        Job { scenario, seed, text: plan.to_toml(), file }
    }

    /// `scenario-seed`: how files and reports name it.
    pub fn name(&self) -> String {
        format!("{}-{}", self.scenario, self.seed)
    }

    /// Writes the plan where it can be replayed from, below what came of it, as comments; one that
    /// comes from a file stays there.
    pub fn keep(&self, what_came_of_it: &str) -> std::io::Result<PathBuf> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let folder = Path::new("target").join("sim");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{}.toml", self.name()));
        let head: String = what_came_of_it.lines().map(|line| format!("# {line}\n")).collect();
        std::fs::write(&file, head + &self.text)?;
        Ok(file)
    }
}

/// How many plans run at once if nobody says.
pub fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs jobs until there are none, or `more` says no. Results come as they are ready, each with the
/// real time that it took. When `stop` ends, the runs that have begun are given up.
pub async fn run_all(
    jobs: impl IntoIterator<Item = Job>,
    parallel: usize,
    mut more: impl FnMut() -> bool,
    stop: impl Future<Output = ()>,
    mut each: impl FnMut(Job, Outcome, Duration),
) -> Result<(), Failure> {
    let mut jobs = jobs.into_iter();
    let mut running = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        while running.len() < parallel.max(1) && more() {
            let Some(job) = jobs.next() else {
                break;
            };
            running.spawn(async move {
                let begun = Instant::now();
                let outcome = run_one(&job, &ChildOptions::default()).await;
                outcome.map(|outcome| (job, outcome, begun.elapsed()))
            });
        }
        let done = tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            done = running.join_next() => done,
        };
        let Some(done) = done else { return Ok(()) };
        let done = done.map_err(|error| Failure::Simulator(error.to_string()))?;
        let (job, outcome, wall) = done?;
        each(job, outcome, wall);
    }
}

/// Runs one plan in a process of its own: this very program with the command `child`, which reads
/// the plan from standard input and writes its [`Outcome`] to standard output, as JSON.
pub async fn run_one(job: &Job, options: &ChildOptions) -> Result<Outcome, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("child");
    if let Some(events) = &options.events {
        command.arg("--events").arg(events);
    }
    if let Some(trace) = &options.trace {
        command.arg("--trace").arg(trace);
    }
    if let Some(until_ms) = options.until_ms {
        command.arg("--until-ms").arg(until_ms.to_string());
    }
    if let Some(level) = &options.log {
        command.arg("--log").arg(level);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A Ctrl-C is for the parent, which ends its children.
    command.process_group(0);
    let mut child = command.kill_on_drop(true).spawn()?;
    limit_cpu(&child, CPU_LIMIT)?;
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(job.text.as_bytes()).await?;
    drop(stdin);
    let ended = while_running(RUN_TIMEOUT, child.wait_with_output()).await.transpose()?;
    let Some(ended) = ended else {
        let why = "of real time: something waits without end, or nothing runs on this machine";
        return Ok(stuck(job, RUN_TIMEOUT, why));
    };
    if ended.status.signal() == Some(libc::SIGXCPU) {
        return Ok(stuck(job, CPU_LIMIT, "of the processor's time: something loops"));
    }
    match serde_json::from_slice(&ended.stdout) {
        Ok(outcome) if ended.status.success() => Ok(outcome),
        _ => {
            let mut outcome = Outcome::unfinished(&job.scenario, job.seed);
            let stderr = String::from_utf8_lossy(&ended.stderr);
            outcome.broken = Some(format!("{}: {}", ended.status, stderr.trim()));
            outcome.verdict = Verdict::Broken;
            Ok(outcome)
        }
    }
}

/// The system ends the child with SIGXCPU once it has used its time.
fn limit_cpu(child: &Child, limit: Duration) -> std::io::Result<()> {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    // Without an id it has ended; and no id would mean this process.
    let Some(id) = id else { return Ok(()) };
    let seconds = limit.as_secs();
    let limits = Rlimit { current: Some(seconds), maximum: Some(seconds + 1) };
    prlimit(Some(id), Resource::Cpu, limits)?;
    Ok(())
}

fn stuck(job: &Job, limit: Duration, why: &str) -> Outcome {
    let mut outcome = Outcome::unfinished(&job.scenario, job.seed);
    outcome.checks.pending.push(format!("the whole run, after {} s {why}", limit.as_secs()));
    outcome.verdict = Verdict::Stuck;
    outcome
}

/// What a future answers within this time, of which only that counts in which this process has run:
/// one that was suspended with its children takes none of them for stuck.
async fn while_running<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = limit.div_duration_f64(LOOK).ceil() as u64;
    while left > 0 {
        match tokio::time::timeout(LOOK, &mut future).await {
            Ok(answer) => return Some(answer),
            Err(_) => left -= 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_child_that_loops_is_ended_once_it_has_used_its_time() {
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do :; done"]).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        limit_cpu(&child, Duration::from_secs(1)).unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(libc::SIGXCPU));
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_the_parent_has_not_run_is_not_the_childs() {
        let limit = Duration::from_secs(3);
        let suspended = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            // All of the process stands still.
            tokio::time::advance(Duration::from_secs(3600)).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        assert_eq!(while_running(limit, suspended).await, Some(()));
        assert_eq!(while_running(limit, std::future::pending::<()>()).await, None);
    }
}
