//! Runs, tasks, attempts and executors as they are answered.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{
    ApprovalDecision, ApprovalView, AttemptView, Claimed, ClaimedAttempt, ClaimedCache, ClaimedRun,
    ClaimedTask, Condition, ExecutorView, Phase, ReconciliationView, RestoredArchive,
    ResumeGateView, RunSummary, RunView, TaskName, TaskSpec, TaskStatus, TaskView,
};
use drydock_core::db::{DbError, Tx};
use jiff::Timestamp;

use super::claim::capacity;
use super::gate;
use crate::engine::RunState;
use crate::engine::edge::ConditionSet;
use crate::engine::group::{Start, next_start};
use crate::engine::pick::{ExecutorCapacity, Load, PickSettings, ReadyTask};
use crate::engine::waiting::{WaitingContext, waiting_for};
use crate::model;
use crate::record::{Approval, ApprovalState, Attempt, Executor, Reconciled, Run, Task};
use crate::schema::ATTEMPTS;

/// A run without its tasks.
pub fn summary(run: &Run) -> RunSummary {
    RunSummary {
        id: run.id,
        project: run.project,
        group: run.group.clone(),
        number: run.number,
        name: run.name.clone(),
        phase: run.phase,
        result: run.result,
        reason: run.stop.map(|stop| stop.reason),
        setup_errors: run.setup_errors.clone(),
        variables: run.variables.clone(),
        annotations: run.annotations.clone(),
        on_newer: run.on_newer,
        fail_fast: run.fail_fast,
        priority: run.priority,
        restart_of: run.restart_of.map(|restart| restart.run),
        queued_at: run.queued_at,
        started_at: run.started_at,
        ended_at: run.ended_at,
        revision: run.revision,
        created_at: run.created_at,
        updated_at: run.updated_at,
    }
}

/// A run with its tasks, and what each of them waits for.
pub fn run(
    tx: &Tx<'_>,
    settings: &PickSettings,
    state: &RunState,
    now: Timestamp,
) -> Result<RunView, DbError> {
    let waiting = waiting(tx, settings, state, now)?;
    let mut tasks = BTreeMap::new();
    for task in state.tasks.values() {
        tasks.insert(task.id, self::task(tx, state, task, &waiting)?);
    }
    Ok(RunView { run: summary(&state.run), cache: state.run.cache.clone(), tasks })
}

/// The resume gate, and how far attempts are reconciled.
pub fn gate(tx: &Tx<'_>, now: Timestamp) -> Result<ResumeGateView, DbError> {
    let open = gate::seems_open(tx, now)?;
    let Some(found) = gate::find(tx)? else {
        let reconciliation = ReconciliationView { done: true, ..ReconciliationView::default() };
        return Ok(ResumeGateView {
            open,
            since: None,
            per_minute: None,
            taken: 0,
            reconciliation,
        });
    };
    let Reconciled { adopted, results_taken, lost_in_restore, executor_lost, unknown } =
        found.counts;
    let left = match found.era {
        Some(era) if !found.reconciled => model::attempt::left_over(tx, era)?,
        _ => 0,
    };
    Ok(ResumeGateView {
        open,
        since: Some(found.since),
        per_minute: Some(found.per_minute),
        taken: found.taken,
        reconciliation: ReconciliationView {
            done: found.reconciled || found.era.is_none(),
            left,
            adopted,
            results_taken,
            lost_in_restore,
            executor_lost,
            unknown,
        },
    })
}

type Waiting = BTreeMap<TaskName, drydock_api::runservice::types::WaitingFor>;

/// What each task waits for that was not started.
fn waiting(
    tx: &Tx<'_>,
    settings: &PickSettings,
    state: &RunState,
    now: Timestamp,
) -> Result<Waiting, DbError> {
    let not_started = |task: &Task| task.status == TaskStatus::NotStarted;
    if !state.tasks.values().any(not_started) {
        return Ok(Waiting::new());
    }
    let start = match state.run.phase {
        Phase::Queued => {
            let group = model::run::group(tx, &state.run.group)?;
            next_start(&group, gate::seems_open(tx, now)?, now)
        }
        _ => Start::Nothing,
    };
    let mut executors: Vec<ExecutorCapacity> = Vec::new();
    for executor in model::executor::serving(tx)? {
        executors.push(capacity(tx, &executor)?);
    }
    let ready: Vec<ReadyTask> = model::task::ready(tx)?;
    let load: Load = model::attempt::load(tx, &[state.run.project])?;
    let context =
        WaitingContext { start, executors: &executors, ready: &ready, load: &load, settings };
    let of = |name: &TaskName| Some((name.clone(), waiting_for(state, name, &context, now)?));
    Ok(state.tasks.keys().filter_map(of).collect())
}

fn task(
    tx: &Tx<'_>,
    state: &RunState,
    task: &Task,
    waiting: &Waiting,
) -> Result<TaskView, DbError> {
    let attempt = task.attempt.or(task.kept.and_then(|kept| kept.attempt));
    let attempt: Option<Attempt> = match attempt {
        Some(attempt) => tx.get(ATTEMPTS, attempt.0)?,
        None => None,
    };
    let parents = state.graph.parents(&task.name).iter();
    Ok(TaskView {
        id: task.id,
        name: task.name.clone(),
        depends_on: parents.map(|(name, set)| (name.clone(), conditions(*set))).collect(),
        status: task.status,
        reason: task.reason,
        failure_allowed: task.failure_allowed,
        waiting_for: waiting.get(&task.name).cloned(),
        approval: task.approval.as_ref().map(|it| approval(it, state.spec(&task.name))),
        attempt: attempt.as_ref().map(self::attempt),
    })
}

fn conditions(set: ConditionSet) -> Vec<Condition> {
    let all = [
        (set.on_success, Condition::OnSuccess),
        (set.on_failure, Condition::OnFailure),
        (set.on_skipped, Condition::OnSkipped),
    ];
    all.into_iter().filter(|(has, _)| *has).map(|(_, condition)| condition).collect()
}

fn approval(approval: &Approval, spec: &TaskSpec) -> ApprovalView {
    ApprovalView {
        forbid_creator: spec.approval.as_ref().is_some_and(|rule| rule.forbid_creator),
        state: match approval.state {
            ApprovalState::Waiting => ApprovalDecision::Waiting,
            ApprovalState::Approved => ApprovalDecision::Approved,
            ApprovalState::Refused => ApprovalDecision::Refused,
            ApprovalState::Expired => ApprovalDecision::Expired,
        },
        since: approval.since,
        expires_at: approval.expires_at,
        decided_at: approval.decided_at,
        approver: approval.approver.clone(),
        comment: approval.comment.clone(),
    }
}

pub fn attempt(attempt: &Attempt) -> AttemptView {
    AttemptView {
        id: attempt.id,
        run: attempt.run,
        number: attempt.number,
        executor: attempt.executor,
        phase: attempt.phase,
        reason: attempt.reason,
        claimed_at: attempt.claimed_at,
        deadline: attempt.deadline,
        ended_at: attempt.ended_at,
        steps: attempt.steps.clone(),
        logs: attempt.log_state,
    }
}

pub fn executor(tx: &Tx<'_>, executor: &Executor) -> Result<ExecutorView, DbError> {
    Ok(ExecutorView {
        id: executor.id,
        name: executor.name.clone(),
        labels: executor.labels.clone(),
        arch: executor.arch.clone(),
        limit: executor.limit,
        active: model::attempt::count_live_on(tx, executor.id)?,
        enabled: executor.enabled,
        drain: executor.drain,
        revision: executor.revision,
        created_at: executor.created_at,
        updated_at: executor.updated_at,
    })
}

/// A claimed task with everything that its executor needs.
pub fn claimed(
    tx: &Tx<'_>,
    state: &RunState,
    attempt: &Attempt,
    environment: BTreeMap<String, String>,
    now: Timestamp,
) -> Result<Claimed, DbError> {
    let left_ms = attempt.deadline.as_millisecond() - now.as_millisecond();
    Ok(Claimed {
        attempt: ClaimedAttempt { id: attempt.id, number: attempt.number },
        run: ClaimedRun {
            id: state.run.id,
            project: state.run.project,
            group: state.run.group.clone(),
            number: state.run.number,
        },
        task: ClaimedTask { name: attempt.name.clone(), spec: state.spec(&attempt.name).clone() },
        unmasked: unmasked(&state.run, &environment),
        environment,
        remaining_ms: u64::try_from(left_ms).unwrap_or(0),
        restore: restored(tx, state, &attempt.name)?,
        cache: state.run.cache.as_ref().map(|_| placeholders(&state.run)),
    })
}

/// The names whose values do not come from variables of the project.
fn unmasked(run: &Run, environment: &BTreeMap<String, String>) -> BTreeSet<String> {
    environment.keys().filter(|name| !run.variables.contains_key(*name)).cloned().collect()
}

/// What the gateway has said of the source of a run.
fn placeholders(run: &Run) -> ClaimedCache {
    let of = |kind: &str| run.annotations.get(kind);
    let branch = of("branch").or_else(|| of("tag")).or_else(|| of("ref"));
    let known = |text: Option<&String>| text.cloned().unwrap_or_default();
    ClaimedCache { branch: known(branch), sha: known(of("commit_sha")) }
}

/// The archives of all tasks above, in topological order; those of one task in that of its steps.
fn restored(
    tx: &Tx<'_>,
    state: &RunState,
    name: &TaskName,
) -> Result<Vec<RestoredArchive>, DbError> {
    let above: BTreeSet<&TaskName> = state.graph.ancestors(name);
    let mut restored = Vec::new();
    for name in state.graph.order().iter().filter(|name| above.contains(name)) {
        let task = state.task(name);
        let attempt = task.attempt.or(task.kept.and_then(|kept| kept.attempt));
        let attempt: Option<Attempt> = match attempt {
            Some(attempt) => tx.get(ATTEMPTS, attempt.0)?,
            None => None,
        };
        let Some(attempt) = attempt.filter(|attempt| !attempt.archives.is_empty()) else {
            continue;
        };
        let above: BTreeSet<_> = state.graph.ancestors(name).into_iter().cloned().collect();
        let mut archives: Vec<_> = attempt.archives.into_iter().collect();
        archives.sort_by_key(|(step, _)| step.parse().unwrap_or(u16::MAX));
        restored.extend(archives.into_iter().map(|(step, archive)| RestoredArchive {
            task: name.clone(),
            attempt: attempt.id,
            above: above.clone(),
            step,
            archive,
        }));
    }
    Ok(restored)
}
