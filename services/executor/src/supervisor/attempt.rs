//! One attempt: its steps one after the other, and what ends it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, PipeReader};

use rustix::process::Signal;

use crate::attempt::{
    AttemptFolder, AttemptPhase, LogReport, Outcome, Reason, SavedCache, StepOutcome, StepWhen,
    StopSignal, Task,
};

use super::cgroup::Cgroup;
use super::log::Log;
use super::orders::{Order, Orders};
use super::secrets::Secrets;
use super::setup;
use super::step;
use super::tree::Tree;

/// Space for the supervisor's own lines in a log, whatever the limit.
const SETUP_LOG_BYTES: u64 = 64 << 10;
/// The name of the log of the setup.
const SETUP: &str = "setup";

pub struct Attempt {
    pub folder: AttemptFolder,
    pub task: Task,
    pub secrets: Secrets,
    pub orders: Orders,
    pub tree: Tree,
    pub cgroup: Option<Cgroup>,
    /// Output of background processes of steps that are over: read, so that nobody is blocked, and
    /// kept nowhere.
    pub drains: Vec<PipeReader>,
    logs: BTreeMap<String, LogReport>,
    archives: BTreeMap<String, LogReport>,
    caches: BTreeMap<String, SavedCache>,
    /// The keys of caches that were laid out.
    pub restored: BTreeSet<String>,
    /// The log of the setup, once something is to be said in it.
    setup: Option<Log>,
    /// The first thing that made the attempt not succeed.
    ending: Option<Ending>,
    /// The steps that always run have bounded time from now on.
    is_bounded: bool,
    /// No further step starts.
    is_halted: bool,
    kill_incomplete: bool,
}

struct Ending {
    phase: AttemptPhase,
    reason: Reason,
    message: Option<String>,
}

impl Attempt {
    pub fn run(folder: &AttemptFolder, task: Task) -> Outcome {
        match Attempt::set_up(folder, task) {
            Ok(attempt) => attempt.run_steps(),
            Err(message) => {
                let mut logs = BTreeMap::new();
                // The result says it too, if the log cannot be written.
                let _ = setup_failed(folder, &message, &mut logs);
                Outcome {
                    phase: AttemptPhase::Failed,
                    reason: Some(Reason::SetupFailed),
                    message: Some(message),
                    steps: Vec::new(),
                    logs,
                    archives: BTreeMap::new(),
                    caches: BTreeMap::new(),
                    kill_incomplete: false,
                }
            }
        }
    }

    fn set_up(folder: &AttemptFolder, task: Task) -> Result<Attempt, String> {
        let says = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
        let orders = Orders::new(folder, &task);
        setup::lay_out(folder, &task).map_err(says("folders"))?;
        let (secrets, short) = Secrets::new(folder, &task)?;
        setup::give(&task, &folder.mask_file()).map_err(says("`mask`"))?;
        let cgroup = Cgroup::create(&task).map_err(says("cgroup"))?;
        let tree = Tree::adopt_orphans().map_err(|error| format!("subreaper: {error}"))?;
        setup::limit(&task.limits).map_err(says("limits"))?;
        let warn = |name| format!("warning: secret `{name}` is too short to be masked");
        let notes: Vec<_> = short.iter().map(warn).collect();
        let mut attempt = Attempt {
            folder: folder.clone(),
            task,
            secrets,
            orders,
            tree,
            cgroup,
            drains: Vec::new(),
            logs: BTreeMap::new(),
            archives: BTreeMap::new(),
            caches: BTreeMap::new(),
            restored: BTreeSet::new(),
            setup: None,
            ending: None,
            is_bounded: false,
            is_halted: false,
            kill_incomplete: false,
        };
        attempt.note_setup(&notes).map_err(says("log"))?;
        Ok(attempt)
    }

    /// Adds lines to the log of the setup.
    pub fn note_setup(&mut self, notes: &[String]) -> io::Result<()> {
        for note in notes {
            let log = match &mut self.setup {
                Some(log) => log,
                None => self.setup.insert(Log::create(&self.folder.log_file(0), SETUP_LOG_BYTES)?),
            };
            log.note(note)?;
        }
        Ok(())
    }

    fn run_steps(mut self) -> Outcome {
        let mut steps = Vec::new();
        for number in 0..self.task.steps.len() {
            steps.push(self.run_step(number));
        }
        // Background processes live as long as the task, and no longer.
        self.kill();
        if let Some(cgroup) = &self.cgroup {
            cgroup.remove();
        }
        if let Some(setup) = self.setup.take() {
            match setup.finish() {
                Ok(digest) => drop(self.logs.insert(SETUP.to_owned(), digest)),
                Err(error) => self.fail(Reason::DiskFull, format!("log of the setup: {error}")),
            }
        }
        let (phase, reason, message) = match self.ending {
            None => (AttemptPhase::Success, None, None),
            Some(ending) => (ending.phase, Some(ending.reason), ending.message),
        };
        let kill_incomplete = self.kill_incomplete;
        let (logs, archives, caches) = (self.logs, self.archives, self.caches);
        Outcome { phase, reason, message, steps, logs, archives, caches, kill_incomplete }
    }

    fn run_step(&mut self, number: usize) -> StepOutcome {
        let when = self.task.steps[number].when;
        self.orders.look_again();
        while let Some(order) = self.orders.next() {
            self.obey(order, StepWhen::OnSuccess);
        }
        let is_skipped = when == StepWhen::OnSuccess && self.ending.is_some();
        if is_skipped || self.is_halted {
            return StepOutcome::default();
        }
        if self.is_bounded {
            self.orders.begin_cleanup();
        }
        step::run(self, number)
    }

    /// Takes an order, and answers in how many milliseconds the running step must be over.
    pub fn obey(&mut self, order: Order, running: StepWhen) -> Option<u64> {
        self.orders.drop_timeout();
        let grace_ms = match order {
            Order::Stop(stop) => {
                self.end(AttemptPhase::Stopped, stop.reason, None);
                stop.grace_ms
            }
            Order::Timeout => {
                self.end(AttemptPhase::Failed, Reason::Timeout, None);
                self.task.grace_ms
            }
            Order::StopNow(reason) => {
                self.end(AttemptPhase::Stopped, reason, None);
                self.is_halted = true;
                return Some(0);
            }
            Order::CleanupTimeout => {
                self.is_halted = true;
                return Some(0);
            }
        };
        self.is_bounded = true;
        if running == StepWhen::Always {
            self.orders.begin_cleanup();
            return None;
        }
        Some(grace_ms)
    }

    /// Notes why the attempt does not succeed. The first reason stays.
    pub fn end(&mut self, phase: AttemptPhase, reason: Reason, message: Option<String>) {
        self.ending.get_or_insert(Ending { phase, reason, message });
    }

    pub fn fail(&mut self, reason: Reason, message: String) {
        self.end(AttemptPhase::Failed, reason, Some(message));
    }

    /// Asks all processes of the attempt to end.
    pub fn terminate(&self) {
        self.tree.terminate(match self.task.stop_signal {
            StopSignal::Term => Signal::TERM,
            StopSignal::Int => Signal::INT,
        });
    }

    /// Kills all processes of the attempt.
    pub fn kill(&mut self) {
        if let Some(cgroup) = &self.cgroup {
            // The kernel may be too old for it; the tree is killed below anyhow.
            let _ = cgroup.kill();
        }
        if !self.tree.kill() {
            self.kill_incomplete = true;
        }
    }

    /// Begins the log of a step.
    pub fn open_log(&self, step: usize) -> io::Result<Log> {
        let used: u64 = self.logs.values().map(|log| log.size).sum();
        let limits = &self.task.limits;
        let left = limits.attempt_log_bytes.saturating_sub(used);
        Log::create(&self.folder.log_file(step + 1), limits.step_log_bytes.min(left))
    }

    /// Notes what a step has saved.
    pub fn keep_archive(&mut self, step: usize, archive: LogReport) {
        self.archives.insert(step.to_string(), archive);
    }

    /// Notes what a step has saved for the cache.
    pub fn keep_cache(&mut self, step: usize, saved: SavedCache) {
        self.caches.insert(step.to_string(), saved);
    }

    pub fn close_log(&mut self, step: usize, log: Log) {
        match log.finish() {
            Ok(digest) => drop(self.logs.insert(step.to_string(), digest)),
            Err(error) => self.fail(Reason::DiskFull, format!("log of step {step}: {error}")),
        }
    }
}

/// Writes why nothing was begun, as the log of the setup.
fn setup_failed(
    folder: &AttemptFolder,
    message: &str,
    logs: &mut BTreeMap<String, LogReport>,
) -> io::Result<()> {
    let mut log = Log::create(&folder.log_file(0), SETUP_LOG_BYTES)?;
    log.note(&format!("setup failed: {message}"))?;
    logs.insert(SETUP.to_owned(), log.finish()?);
    Ok(())
}
