//! I17: every committed state is a fixpoint: nothing that follows from it is left undone, and
//! nothing is done that does not follow. What follows is decided here once more, from the tables of
//! the design and not with the product's code.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{
    AttemptPhase, Condition, Conditions, Dependency, Phase, RunResult, TaskName, TaskSpec,
    TaskStatus,
};
use drydock_runservice::record::{ApprovalState, Run, Task};

use super::records::StateChange;
use super::{Checks, Violation};

pub const ORACLE: &str = "I17 fixpoint";

pub fn look(change: &StateChange<'_>, checks: &mut Checks) {
    if let Some(damaged) = &change.now.damaged {
        let sentence = "an object of runservice is not one";
        checks.violated(Violation::new(ORACLE, sentence, change.at(), damaged.clone()));
    }
    for run in change.runs() {
        checks.done(ORACLE, 1);
        if let Some(problem) = problem(change, run) {
            let sentence = "a state of a run is no fixpoint";
            let fact = format!("run {} ({}): {problem}", run.id, run.phase);
            checks.violated(Violation::new(ORACLE, sentence, change.at(), fact));
        }
    }
}

/// A run with its tasks by name.
struct Seen<'a> {
    run: &'a Run,
    tasks: BTreeMap<&'a TaskName, &'a Task>,
    specs: &'a BTreeMap<TaskName, TaskSpec>,
}

fn problem(change: &StateChange<'_>, run: &Run) -> Option<String> {
    let tasks = change.now.tasks_of(run);
    let Some(definition) = change.now.definitions.get(&run.id.0) else {
        let fits = run.phase == Phase::SetupError && tasks.is_empty();
        return (!fits).then(|| "it has no definition".to_owned());
    };
    let tasks: BTreeMap<_, _> = tasks.into_iter().map(|task| (&task.name, task)).collect();
    let seen = Seen { run, tasks, specs: &definition.tasks };
    if !seen.tasks.keys().copied().eq(seen.specs.keys()) {
        return Some("its tasks are not those of its definition".to_owned());
    }
    let of_task = seen.tasks.values().find_map(|task| {
        let problem = of_attempt(change, task).or_else(|| seen.of_task(task))?;
        Some(format!("task {} is {}, {problem}", task.name, task.status))
    });
    of_task.or_else(|| seen.of_run())
}

/// A task and its newest attempt say the same.
fn of_attempt(change: &StateChange<'_>, task: &Task) -> Option<String> {
    let phase = match task.attempt {
        None => None,
        Some(id) => match change.now.attempts.get(&id.0) {
            Some(attempt) => Some(attempt.phase),
            None => return Some(format!("its attempt {id} does not exist")),
        },
    };
    let fits = match task.status {
        TaskStatus::Running => phase == Some(AttemptPhase::Running),
        TaskStatus::Stopping => phase == Some(AttemptPhase::Stopping),
        TaskStatus::NotStarted => phase.is_none_or(AttemptPhase::is_final),
        TaskStatus::Skipped => phase.is_none(),
        TaskStatus::Success => phase.map_or(task.kept.is_some(), |it| it == AttemptPhase::Success),
        TaskStatus::Cancelled | TaskStatus::Stopped | TaskStatus::Failed => {
            phase.is_none_or(AttemptPhase::is_final)
        }
    };
    (!fits).then(|| format!("its newest attempt is {phase:?}"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Open,
    Yes,
    No,
}

impl Seen<'_> {
    fn of_task(&self, task: &Task) -> Option<String> {
        let spec = &self.specs[&task.name];
        let edges = self.edges(spec);
        let all_yes = edges.iter().all(|edge| *edge == Edge::Yes);
        let is_open = edges.contains(&Edge::Open);
        let problem = match (self.run.phase, task.status) {
            (Phase::Queued, TaskStatus::NotStarted) => {
                (task.ready_at.is_some() || task.attempt.is_some()).then_some("in a queued run")
            }
            (Phase::Running, TaskStatus::NotStarted) => return self.of_waiting(task, &edges),
            (_, TaskStatus::Skipped) if task.kept.is_none() => {
                let follows = spec.skip || !is_open && edges.contains(&Edge::No);
                (!follows).then_some("and should not be")
            }
            (Phase::Finished | Phase::Cancelled, status) if !status.is_final() => {
                Some("in a run that has ended")
            }
            _ if task.attempt.is_some() => (!all_yes).then_some("and should not have been started"),
            _ => None,
        };
        problem.map(str::to_owned)
    }

    /// A task of a running run that was not started.
    fn of_waiting(&self, task: &Task, edges: &[Edge]) -> Option<String> {
        let spec = &self.specs[&task.name];
        let approval = task.approval.as_ref().map(|approval| approval.state);
        let problem = if self.run.stop.is_some() {
            Some("though the run is stopped")
        } else if spec.skip {
            Some("and should be skipped")
        } else if edges.contains(&Edge::Open) {
            (task.ready_at.is_some() || approval.is_some()).then_some("and does not wait")
        } else if edges.contains(&Edge::No) {
            Some("and should be skipped, by its parents")
        } else {
            match (&spec.approval, approval) {
                (Some(_), None) => Some("and nobody is asked for an approval"),
                (Some(_), Some(ApprovalState::Waiting)) => {
                    task.ready_at.is_some().then_some("and is ready without an approval")
                }
                (Some(_), Some(ApprovalState::Refused | ApprovalState::Expired)) => {
                    Some("though it was refused")
                }
                (Some(_), Some(ApprovalState::Approved)) | (None, _) => {
                    task.ready_at.is_none().then_some("and should be ready")
                }
            }
        };
        let hopeless = || {
            let is_fast = self.run.fail_fast && self.has_failed();
            (is_fast && !self.after_failures().contains(&task.name)).then_some("though one failed")
        };
        problem.or_else(hopeless).map(str::to_owned)
    }

    fn of_run(&self) -> Option<String> {
        let run = self.run;
        let all_final = self.tasks.values().all(|task| task.status.is_final());
        let is = |state: ApprovalState| {
            move |task: &&Task| task.approval.as_ref().is_some_and(|it| it.state == state)
        };
        let refused = self
            .tasks
            .values()
            .any(|task| is(ApprovalState::Refused)(task) || is(ApprovalState::Expired)(task));
        // The order to stop it may have been undone by an import, its end is not.
        let stopped = self.tasks.values().any(|task| task.status == TaskStatus::Stopped);
        let result = if self.has_failed() {
            RunResult::Failed
        } else if run.stop.is_some() || refused || stopped {
            RunResult::Stopped
        } else if all_final {
            RunResult::Success
        } else {
            RunResult::Unknown
        };
        let waits = self
            .tasks
            .values()
            .any(|task| task.status == TaskStatus::NotStarted && is(ApprovalState::Waiting)(task));
        let problem = match run.phase {
            Phase::Running if all_final => "all its tasks are final".to_owned(),
            Phase::Running if waits != run.paused_since.is_some() => {
                format!("its clock stands still since {:?}", run.paused_since)
            }
            Phase::Running if run.deadline.is_none() => "it has no deadline".to_owned(),
            Phase::Running | Phase::Finished if run.result != result => {
                format!("its result is {} and should be {result}", run.result)
            }
            Phase::Finished if !all_final => "a task is not final".to_owned(),
            _ => return None,
        };
        Some(problem)
    }

    fn has_failed(&self) -> bool {
        let mut tasks = self.tasks.values();
        tasks.any(|task| task.status == TaskStatus::Failed && !task.failure_allowed)
    }

    fn edges(&self, spec: &TaskSpec) -> Vec<Edge> {
        let edges = parents(spec);
        edges.iter().map(|(parent, conditions)| edge(conditions, self.tasks.get(parent))).collect()
    }

    /// The tasks below the failure of one that failed, or still may.
    fn after_failures(&self) -> BTreeSet<TaskName> {
        let mut kept: BTreeSet<TaskName> = BTreeSet::new();
        loop {
            let before = kept.len();
            for (name, spec) in self.specs {
                let reached = parents(spec).iter().any(|(parent, conditions)| {
                    let may_fail = self.tasks.get(parent).is_some_and(|task| match task.status {
                        TaskStatus::Failed => !task.failure_allowed,
                        TaskStatus::Running | TaskStatus::Stopping => true,
                        _ => false,
                    });
                    let on_failure = conditions.contains(&Condition::OnFailure);
                    kept.contains(parent) || may_fail && on_failure
                });
                if reached {
                    kept.insert(name.clone());
                }
            }
            if kept.len() == before {
                return kept;
            }
        }
    }
}

/// How the state of a parent lets its child start: one column of the design's table.
fn edge(conditions: &BTreeSet<Condition>, parent: Option<&&Task>) -> Edge {
    let Some(parent) = parent else { return Edge::No };
    let wanted = match parent.status {
        TaskStatus::NotStarted | TaskStatus::Running | TaskStatus::Stopping => return Edge::Open,
        TaskStatus::Success => Condition::OnSuccess,
        TaskStatus::Failed if parent.failure_allowed => Condition::OnSuccess,
        TaskStatus::Failed => Condition::OnFailure,
        TaskStatus::Skipped => Condition::OnSkipped,
        TaskStatus::Cancelled | TaskStatus::Stopped => return Edge::No,
    };
    if conditions.contains(&wanted) { Edge::Yes } else { Edge::No }
}

fn parents(spec: &TaskSpec) -> BTreeMap<TaskName, BTreeSet<Condition>> {
    let mut parents = BTreeMap::new();
    let mut add = |name: &str, conditions: &[Condition]| {
        let all = [Condition::OnSuccess, Condition::OnFailure, Condition::OnSkipped];
        let always = conditions.contains(&Condition::Always);
        let conditions = all.into_iter().filter(|it| always || conditions.contains(it)).collect();
        if let Ok(name) = name.parse() {
            parents.insert(name, conditions);
        }
    };
    for dependency in &spec.depends {
        match dependency {
            Dependency::Name(name) => add(name, &[Condition::OnSuccess]),
            Dependency::Conditional(edges) => {
                for (name, conditions) in edges {
                    match conditions {
                        Conditions::One(condition) => add(name, &[*condition]),
                        Conditions::Any(conditions) => add(name, conditions),
                    }
                }
            }
        }
    }
    parents
}
