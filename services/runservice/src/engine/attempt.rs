//! Attempts: how one begins, and how it ends. What follows for the run happens in the same call.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{
    ArchiveReport, AttemptId, AttemptPhase, ClaimId, ExecutorId, LogReport, LogState, Reason, Step,
    StepExit, StepReport, TaskName, TaskSpec, TaskStatus,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::RunState;
use super::advance::{advance, end};
use super::retry::{Failure, is_allowed, is_retried, pause};
use super::settings::{EngineSettings, later};
use crate::record::{Attempt, Era};

/// Who claims a task, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimant {
    pub attempt: AttemptId,
    pub executor: ExecutorId,
    pub session: u64,
    pub claim: ClaimId,
    /// The place of the new attempt among all.
    pub place: u64,
    pub era: Option<Era>,
    pub lineage: Option<Uuid>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub phase: AttemptPhase,
    pub reason: Option<Reason>,
    pub steps: Vec<StepReport>,
    /// Which logs there are. Absent: its executor has not said it.
    pub logs: Option<BTreeMap<String, LogReport>>,
    pub archives: BTreeMap<String, ArchiveReport>,
}

impl Ending {
    /// The end of an attempt of which nothing was heard.
    pub fn unheard(phase: AttemptPhase, reason: Reason) -> Ending {
        Ending {
            phase,
            reason: Some(reason),
            steps: Vec::new(),
            // Nothing was started under a claim that was lost.
            logs: (reason == Reason::ClaimLost).then(BTreeMap::new),
            archives: BTreeMap::new(),
        }
    }
}

/// Whether a task only lacks an executor.
pub fn is_ready(state: &RunState, name: &TaskName) -> bool {
    let task = state.tasks.get(name);
    task.is_some_and(|it| it.status == TaskStatus::NotStarted && it.ready_at.is_some())
}

/// Gives a ready task to an executor.
///
/// # Panics
/// If the task is not ready.
pub fn claim<'a>(
    state: &'a mut RunState,
    name: &TaskName,
    claimant: Claimant,
    now: Timestamp,
    settings: &EngineSettings,
) -> &'a Attempt {
    assert!(is_ready(state, name), "only a ready task is claimed");
    let spec = state.spec(name);
    let timeout = spec.timeout.map_or(settings.attempt_timeout, |timeout| timeout.as_duration());
    let task = state.task_mut(name);
    end(task, TaskStatus::Running, None);
    task.attempts += 1;
    task.attempt = Some(claimant.attempt);
    let attempt = Attempt {
        id: claimant.attempt,
        project: task.project,
        run: task.run,
        task: task.id,
        name: name.clone(),
        number: task.attempts,
        place: claimant.place,
        executor: claimant.executor,
        session: claimant.session,
        claim: claimant.claim,
        phase: AttemptPhase::Running,
        reason: None,
        stop: None,
        pool: task.pool.clone(),
        era: claimant.era,
        lineage: claimant.lineage,
        claimed_at: now,
        deadline: later(now, timeout),
        ended_at: None,
        steps: Vec::new(),
        logs: BTreeMap::new(),
        log_state: LogState::Live,
        sealed: BTreeMap::new(),
        archives: BTreeMap::new(),
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    state.attempts.entry(claimant.attempt).or_insert(attempt)
}

/// Ends the attempt of a task that is not final, and brings the run to its fixpoint. Whether there
/// was one.
pub fn finish(
    state: &mut RunState,
    name: &TaskName,
    ending: Ending,
    now: Timestamp,
    settings: &EngineSettings,
) -> bool {
    let code = failing_exit(state.spec(name), &ending.steps).and_then(|exit| match exit {
        StepExit::Code(code) => Some(code),
        StepExit::Signal { .. } => None,
    });
    let Some(attempt) = state.live_attempt_mut(name) else { return false };
    let stopping = attempt.phase == AttemptPhase::Stopping;
    attempt.phase = ending.phase;
    attempt.reason = ending.reason;
    attempt.ended_at = Some(now);
    attempt.steps = ending.steps;
    if let Some(logs) = ending.logs {
        take_logs(attempt, logs);
    }
    attempt.archives = ending.archives;
    match ending.phase {
        AttemptPhase::Failed => {
            let reason = ending.reason.unwrap_or(Reason::ExitCode);
            fail(state, name, Failure { reason, code }, stopping, now, settings);
        }
        AttemptPhase::Success => end(state.task_mut(name), TaskStatus::Success, None),
        _ => end(state.task_mut(name), TaskStatus::Stopped, ending.reason),
    }
    advance(state, now, settings);
    true
}

/// Notes which logs of an attempt there are. If there are none, none is waited for.
pub fn take_logs(attempt: &mut Attempt, logs: BTreeMap<String, LogReport>) {
    if logs.is_empty() {
        attempt.log_state = LogState::Complete;
    }
    attempt.logs = logs;
}

/// Ends the attempt of a task whose executor is gone.
pub fn lose(
    state: &mut RunState,
    name: &TaskName,
    reason: Reason,
    now: Timestamp,
    settings: &EngineSettings,
) -> bool {
    let Some(attempt) = state.live_attempt(name) else { return false };
    let phase = match attempt.phase {
        AttemptPhase::Stopping => AttemptPhase::Stopped,
        _ => AttemptPhase::Failed,
    };
    if state.spec(name).exclusive && reason == Reason::ExecutorLost {
        let rest = later(now, settings.exclusive_rest);
        state.run.group_held_until = state.run.group_held_until.max(Some(rest));
    }
    // Nothing was started under a claim that is lost.
    let logs = (reason == Reason::ClaimLost).then(BTreeMap::new);
    let ending = Ending { logs, ..Ending::unheard(phase, reason) };
    finish(state, name, ending, now, settings)
}

fn fail(
    state: &mut RunState,
    name: &TaskName,
    failure: Failure,
    stopping: bool,
    now: Timestamp,
    settings: &EngineSettings,
) {
    let (spec, task) = (state.spec(name), state.task(name));
    let retried = !stopping && state.run.stop.is_none() && is_retried(spec, task.retries, failure);
    let allowed = is_allowed(spec, failure);
    let free = failure.reason == Reason::ClaimLost;
    let rests = spec.exclusive && failure.reason == Reason::ExecutorLost;
    let task = state.task_mut(name);
    if !retried {
        end(task, TaskStatus::Failed, Some(failure.reason));
        task.failure_allowed = allowed;
        return;
    }
    end(task, TaskStatus::NotStarted, Some(failure.reason));
    if free {
        return;
    }
    let mut wait = pause(task.retries, settings);
    if rests {
        wait = wait.max(settings.exclusive_rest);
    }
    task.retries += 1;
    task.not_before = Some(later(now, wait));
}

/// How the first step that failed ended.
pub(super) fn failing_exit(spec: &TaskSpec, steps: &[StepReport]) -> Option<StepExit> {
    let failed = |(nth, report): (usize, &StepReport)| {
        let step = spec.steps.get(nth);
        report.exit.filter(|exit| !step.is_some_and(|step| is_success(step, *exit)))
    };
    steps.iter().enumerate().find_map(failed)
}

/// Whether a step that ended so succeeded.
pub fn is_success(step: &Step, exit: StepExit) -> bool {
    match (exit, step) {
        (StepExit::Code(0), _) => true,
        (StepExit::Code(code), Step::Run(run)) => run.allow_exit.contains(&code),
        _ => false,
    }
}
