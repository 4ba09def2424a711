//! The machine of an executor: it runs the steps of attempts, which are scripts, and tells the
//! ledger what they do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use drydock_api::runservice::types::{
    AttemptId, AttemptPhase, Claimed, Reason, Step, StepExit, StepReport, StepWhen,
};
use drydock_harness::record::{Ledger, Mark};
use jiff::Timestamp;

use crate::workload::Script;

/// How often jobs are looked at.
const LOOK_MS: u64 = 10;
/// The greatest number of bytes in a line besides its name.
const LINE: usize = 160;

/// Clones are of one machine. What is known of jobs is on its disk.
#[derive(Clone)]
pub struct Machine {
    host: String,
    epoch: Timestamp,
    ledger: Ledger,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// How often the machine was switched on.
    boot: u64,
    jobs: BTreeMap<AttemptId, Job>,
}

/// How an attempt is on the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// There is nothing of it.
    Absent,
    /// None of its steps has begun.
    Prepared,
    Running,
    Ended(Outcome),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub phase: AttemptPhase,
    pub reason: Option<Reason>,
    pub steps: Vec<StepReport>,
    /// The steps that have saved something.
    pub saved: Vec<usize>,
}

struct Job {
    /// The steps that save.
    saves: Vec<usize>,
    steps: Vec<(Script, bool)>,
    attempt: u32,
    /// The boot in which it was started last.
    boot: u64,
    state: JobState,
    /// Of the steps so far.
    reports: Vec<StepReport>,
    started: Option<Duration>,
    /// The lines that the step under way has printed.
    printed: u32,
    /// What steps have printed.
    logs: BTreeMap<usize, Vec<u8>>,
    failed: Option<u8>,
    deadline: Duration,
    /// Since when it is asked to end, and when it is killed.
    stop: Option<(Duration, Duration)>,
    /// Nobody has stopped it: the service did not know it.
    is_disowned: bool,
}

impl Machine {
    pub fn new(host: &str, epoch: Timestamp, ledger: &Ledger) -> Machine {
        let ledger = ledger.clone();
        Machine { host: host.to_owned(), epoch, ledger, state: Arc::default() }
    }

    /// The life of the machine from one power cut to the next.
    pub async fn run(self) {
        self.boot();
        loop {
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
            let now = self.ledger.now();
            let mut state = self.lock();
            let State { boot, jobs } = &mut *state;
            for (attempt, job) in jobs {
                if job.boot == *boot {
                    self.step(attempt, job, now);
                }
            }
        }
    }

    /// Whatever ran is dead.
    fn boot(&self) {
        let mut state = self.lock();
        state.boot += 1;
        for (attempt, job) in &mut state.jobs {
            if job.state == JobState::Running {
                self.kill(attempt, job, "the power was cut");
                job.end(AttemptPhase::Failed, Some(Reason::ExecutorRestarted));
            }
        }
    }

    /// Prepares an attempt to be run. One of which a step has begun is not begun again.
    pub fn start(&self, claimed: &Claimed) {
        let now = self.ledger.now();
        let mut state = self.lock();
        let boot = state.boot;
        let left = Duration::from_millis(claimed.remaining_ms);
        let job = state.jobs.entry(claimed.attempt.id).or_insert_with(|| Job {
            saves: saves(claimed),
            steps: scripts(claimed),
            attempt: claimed.attempt.number,
            boot,
            state: JobState::Prepared,
            reports: Vec::new(),
            started: None,
            printed: 0,
            logs: BTreeMap::new(),
            failed: None,
            deadline: now + left,
            stop: None,
            is_disowned: false,
        });
        if job.state == JobState::Prepared {
            job.boot = boot;
        }
    }

    pub fn look(&self, attempt: AttemptId) -> JobState {
        self.lock().jobs.get(&attempt).map_or(JobState::Absent, |job| job.state.clone())
    }

    /// The sizes of the logs of an attempt, by step.
    pub fn logs(&self, attempt: AttemptId) -> BTreeMap<usize, usize> {
        let state = self.lock();
        let logs = state.jobs.get(&attempt).map(|job| &job.logs);
        logs.into_iter().flatten().map(|(step, log)| (*step, log.len())).collect()
    }

    /// A piece of a log, no longer than `size`.
    pub fn piece(&self, attempt: AttemptId, step: usize, offset: usize, size: usize) -> Bytes {
        let state = self.lock();
        let log = state.jobs.get(&attempt).and_then(|job| job.logs.get(&step));
        let rest = log.and_then(|log| log.get(offset..)).unwrap_or_default();
        Bytes::copy_from_slice(&rest[..size.min(rest.len())])
    }

    /// Orders an attempt to end, and kills it after the grace.
    pub fn stop(&self, attempt: AttemptId, grace: Duration) {
        let now = self.ledger.now();
        if let Some(job) = self.lock().jobs.get_mut(&attempt) {
            let (since, kill) = job.stop.unwrap_or((now, now + grace));
            job.stop = Some((since, kill.min(now + grace)));
        }
    }

    /// Kills an attempt that the service does not know.
    pub fn disown(&self, attempt: AttemptId) {
        let now = self.ledger.now();
        if let Some(job) = self.lock().jobs.get_mut(&attempt) {
            job.is_disowned |= job.stop.is_none();
            job.stop = Some((now, now));
        }
    }

    /// Removes what is left of an attempt that has ended.
    pub fn remove(&self, attempt: AttemptId) {
        self.lock().jobs.remove(&attempt);
    }

    /// The attempts of which there is something.
    pub fn list(&self) -> Vec<AttemptId> {
        self.lock().jobs.keys().copied().collect()
    }

    fn step(&self, attempt: &AttemptId, job: &mut Job, now: Duration) {
        if !matches!(job.state, JobState::Prepared | JobState::Running) {
            return;
        }
        self.print(attempt, job, now);
        if let Some((since, kill)) = job.stop {
            let is_stubborn = job.current().is_some_and(|script| script.is_stubborn);
            if now >= kill || now > since && !is_stubborn {
                self.kill(attempt, job, "stopped");
                match job.is_disowned {
                    true => job.end(AttemptPhase::Failed, Some(Reason::LostInRestore)),
                    false => job.end(AttemptPhase::Stopped, None),
                }
            }
            return;
        }
        if now >= job.deadline {
            self.kill(attempt, job, "out of time");
            job.end(AttemptPhase::Failed, Some(Reason::Timeout));
            return;
        }
        job.state = JobState::Running;
        if !self.finish_step(attempt, job, now) {
            return;
        }
        self.begin_step(attempt, job, now);
    }

    /// Prints the lines that are due, which are spread over the work of the step.
    fn print(&self, attempt: &AttemptId, job: &mut Job, now: Duration) {
        let Some((started, script)) = job.started.zip(job.current()) else { return };
        let worked = u64::try_from((now - started).as_millis()).unwrap_or(u64::MAX);
        let part = worked.min(script.work_ms) as f64 / script.work_ms.max(1) as f64;
        let due = (part * f64::from(script.lines)) as u32;
        let step = job.reports.len();
        while job.printed < due {
            let line = line(attempt, step, job.printed);
            self.ledger.wrote(&attempt.to_string(), step, line.as_bytes());
            job.logs.entry(step).or_default().extend_from_slice(line.as_bytes());
            job.printed += 1;
        }
    }

    /// Whether no step is under way any more.
    fn finish_step(&self, attempt: &AttemptId, job: &mut Job, now: Duration) -> bool {
        let Some(started) = job.started else { return true };
        let script = job.current().expect("a step is under way");
        if now < started + Duration::from_millis(script.work_ms) {
            return false;
        }
        let code = script.exit_in(job.attempt);
        let nth = job.reports.len();
        self.ledger.note(&self.host, &attempt.to_string(), nth, Mark::Ended(code.to_string()));
        job.reports.push(self.report(started, now, Some(StepExit::Code(code))));
        job.started = None;
        if code != 0 {
            job.failed = job.failed.or(Some(code));
        }
        true
    }

    fn begin_step(&self, attempt: &AttemptId, job: &mut Job, now: Duration) {
        while let Some((_, always)) = job.steps.get(job.reports.len()) {
            if job.failed.is_none() || *always {
                let nth = job.reports.len();
                self.ledger.note(&self.host, &attempt.to_string(), nth, Mark::Started);
                (job.started, job.printed) = (Some(now), 0);
                return;
            }
            let skipped = StepReport { exit: None, started_at: None, ended_at: None };
            job.reports.push(skipped);
        }
        match job.failed {
            None => job.end(AttemptPhase::Success, None),
            Some(_) => job.end(AttemptPhase::Failed, Some(Reason::ExitCode)),
        }
    }

    fn kill(&self, attempt: &AttemptId, job: &mut Job, why: &str) {
        if let Some(started) = job.started.take() {
            let nth = job.reports.len();
            self.ledger.note(&self.host, &attempt.to_string(), nth, Mark::Killed(why.to_owned()));
            job.reports.push(self.report(started, self.ledger.now(), None));
        }
    }

    fn report(&self, started: Duration, ended: Duration, exit: Option<StepExit>) -> StepReport {
        let time = |after: Duration| self.epoch.saturating_add(after).ok();
        StepReport { exit, started_at: time(started), ended_at: time(ended) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

impl Job {
    fn current(&self) -> Option<Script> {
        self.started?;
        self.steps.get(self.reports.len()).map(|(script, _)| *script)
    }

    fn end(&mut self, phase: AttemptPhase, reason: Option<Reason>) {
        let steps = std::mem::take(&mut self.reports);
        let is_done = |step: &usize| {
            steps.get(*step).is_some_and(|report| report.exit == Some(StepExit::Code(0)))
        };
        let saved = self.saves.iter().copied().filter(is_done).collect();
        self.state = JobState::Ended(Outcome { phase, reason, steps, saved });
    }
}

/// A line of a log: no other attempt, step or line has the same.
fn line(attempt: &AttemptId, step: usize, nth: u32) -> String {
    let filler = "=".repeat((nth as usize * 37 + step) % LINE);
    format!("step {step} of {attempt} line {nth} {filler}\n")
}

/// The steps that save.
fn saves(claimed: &Claimed) -> Vec<usize> {
    let steps = claimed.task.spec.steps.iter().enumerate();
    steps.filter(|(_, step)| matches!(step, Step::Save(_))).map(|(nth, _)| nth).collect()
}

/// The scripts of the steps, and whether they run after a failure.
fn scripts(claimed: &Claimed) -> Vec<(Script, bool)> {
    let script = |step: &Step| match step {
        Step::Run(run) => {
            let script = run.command.parse().unwrap_or(Script::work(1));
            (script, run.when == StepWhen::Always)
        }
        _ => (Script::work(1), false),
    };
    claimed.task.spec.steps.iter().map(script).collect()
}
