//! Prints a run as a tree: each task stands below the tasks that it depends on, with its state.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{
    Label, Phase, RunResult, RunSummary, RunView, TaskName, TaskStatus, TaskView, WaitingFor,
};
use jiff::Timestamp;

use crate::cli::output::Tone;

/// One task in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    /// How many tasks come before it, one after the other.
    pub depth: usize,
    pub word: &'static str,
    pub tone: Tone,
    /// Why, for how long, or for what it waits; may be empty.
    pub detail: String,
}

/// The run's state in words.
pub fn state(run: &RunSummary) -> (String, Tone) {
    let (word, tone) = match (run.phase, run.result) {
        (Phase::Finished, RunResult::Success) => ("success", Tone::Good),
        (Phase::Finished, RunResult::Stopped) => ("stopped", Tone::Bad),
        (Phase::Finished, _) => ("failed", Tone::Bad),
        (Phase::Running, RunResult::Failed) => ("failing", Tone::Bad),
        (Phase::Running, RunResult::Stopped) => ("stopping", Tone::Bad),
        (Phase::Running, _) => ("running", Tone::Active),
        (Phase::Queued, _) => ("queued", Tone::Quiet),
        (Phase::Cancelled, _) => ("cancelled", Tone::Bad),
        (Phase::SetupError, _) => ("setup_error", Tone::Bad),
    };
    let reason = run.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    (format!("{word}{reason}"), tone)
}

/// Whether a final run did what was wanted.
pub fn succeeded(run: &RunView) -> bool {
    run.run.phase == Phase::Finished && run.run.result == RunResult::Success
}

/// The tasks in their places.
pub fn rows(run: &RunView, now: Timestamp) -> Vec<Row> {
    placed(run).into_iter().map(|(depth, task)| row(task, depth, now)).collect()
}

/// The tasks with their depths, parents first; names order what is left open.
pub fn placed(run: &RunView) -> Vec<(usize, &TaskView)> {
    let tasks: BTreeMap<&TaskName, &TaskView> =
        run.tasks.values().map(|task| (&task.name, task)).collect();
    let mut depths = BTreeMap::new();
    // Each pass places at least the tasks of one level.
    for _ in 0..tasks.len() {
        for (name, task) in &tasks {
            let above: Option<Vec<usize>> =
                task.depends_on.keys().map(|parent| depths.get(parent).copied()).collect();
            if let Some(above) = above {
                depths.insert(*name, above.into_iter().max().map_or(0, |depth| depth + 1));
            }
        }
    }
    let mut placed: Vec<_> = tasks
        .into_iter()
        .map(|(name, task)| (depths.get(name).copied().unwrap_or_default(), task))
        .collect();
    placed.sort_by(|(depth, task), (other, next)| (depth, &task.name).cmp(&(other, &next.name)));
    placed
}

/// The state of a task in one word.
pub fn word(task: &TaskView) -> &'static str {
    match task.status {
        TaskStatus::NotStarted => "waiting",
        status => status.as_str(),
    }
}

fn row(task: &TaskView, depth: usize, now: Timestamp) -> Row {
    let word = word(task);
    let tone = match task.status {
        TaskStatus::Success => Tone::Good,
        TaskStatus::Failed if task.failure_allowed => Tone::Quiet,
        TaskStatus::Failed | TaskStatus::Stopped => Tone::Bad,
        TaskStatus::Running | TaskStatus::Stopping => Tone::Active,
        TaskStatus::NotStarted | TaskStatus::Skipped | TaskStatus::Cancelled => Tone::Quiet,
    };
    let mut details = Vec::new();
    details.extend(task.reason.map(|reason| reason.to_string()));
    if task.status == TaskStatus::Failed && task.failure_allowed {
        details.push("allowed".to_owned());
    }
    if let Some(attempt) = &task.attempt {
        if attempt.number > 1 {
            details.push(format!("attempt {}", attempt.number));
        }
        let end = attempt.ended_at.unwrap_or(now);
        details.push(seconds(end.as_second() - attempt.claimed_at.as_second()));
    }
    details.extend(task.waiting_for.as_ref().map(waiting));
    Row { name: task.name.to_string(), depth, word, tone, detail: details.join(", ") }
}

/// A time, to the second.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn seconds(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// What a task waits for.
fn waiting(what: &WaitingFor) -> String {
    match what {
        WaitingFor::Group => "for an earlier run of its group".to_owned(),
        WaitingFor::Gate => "for the resume gate".to_owned(),
        WaitingFor::Executor { until } => format!("for a lost executor, until {}", time(*until)),
        WaitingFor::Approval { expires_at } => format!("for approval, until {}", time(*expires_at)),
        WaitingFor::Tasks { tasks } => {
            let names: Vec<_> = tasks.iter().map(TaskName::as_str).collect();
            format!("for {}", names.join(", "))
        }
        WaitingFor::Retry { at } => format!("for its next attempt at {}", time(*at)),
        WaitingFor::ProjectLimit { limit } => {
            format!("for the project, which runs {limit} tasks at most")
        }
        WaitingFor::Pool { pool } => format!("for a place in the pool {pool}"),
        WaitingFor::AnyExecutor => "for an executor: none is alive and enabled".to_owned(),
        WaitingFor::Labels { labels, missing, arch } => {
            let words = |labels: &[Label]| labels.iter().map(Label::to_string).collect::<Vec<_>>();
            let mut wanted = words(labels);
            wanted.extend(arch.clone());
            let none = match missing.is_empty() {
                true => String::new(),
                false => format!(": none has {}", words(missing).join(", ")),
            };
            format!("for an executor with {}{none}", wanted.join(", "))
        }
        WaitingFor::FreeExecutor => "for a free executor".to_owned(),
        WaitingFor::Turn => "for its turn".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(nth: usize) -> String {
        format!("01900000-0000-7000-8000-{nth:012}")
    }

    fn run() -> RunView {
        let task = |nth: usize, name: &str, parents: &[&str], status: &str| {
            let depends: BTreeMap<_, _> = parents.iter().map(|it| (*it, ["on_success"])).collect();
            let mut task = json!({
                "id": id(nth), "name": name, "depends_on": depends, "status": status,
                "failure_allowed": name == "lint",
            });
            match status {
                "failed" => task["reason"] = json!("exit_code"),
                "not_started" if name == "deploy" => {
                    task["waiting_for"] = json!({"for": "tasks", "tasks": ["test"]});
                }
                "running" => {
                    task["attempt"] = json!({
                        "id": id(90), "run": id(1), "number": 2, "executor": id(91),
                        "phase": "running", "claimed_at": "2026-01-01T00:00:00Z",
                        "deadline": "2026-01-01T01:00:00Z", "ended_at": null, "steps": [],
                        "logs": "live",
                    });
                }
                _ => {}
            }
            (id(nth), task)
        };
        let tasks: BTreeMap<_, _> = [
            task(2, "deploy", &["test", "lint"], "not_started"),
            task(3, "test", &["build"], "running"),
            task(4, "build", &[], "success"),
            task(5, "lint", &[], "failed"),
        ]
        .into();
        let view = json!({
            "id": id(1), "project": id(6), "group": format!("/project/{}", id(6)), "number": 7,
            "name": "main", "phase": "running", "result": "unknown", "setup_errors": [],
            "annotations": {}, "on_newer": "queue", "fail_fast": false, "priority": 0,
            "queued_at": "2026-01-01T00:00:00Z", "started_at": "2026-01-01T00:00:00Z",
            "ended_at": null, "revision": 1, "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z", "tasks": tasks,
        });
        serde_json::from_value(view).unwrap()
    }

    #[test]
    fn tasks_stand_below_their_parents_with_words_for_their_states() {
        let now = "2026-01-01T00:01:05Z".parse().unwrap();
        let shown: Vec<_> = rows(&run(), now)
            .into_iter()
            .map(|row| (row.depth, row.name, row.word, row.tone, row.detail))
            .collect();
        let row = |depth, name: &str, word, tone, detail: &str| {
            (depth, name.to_owned(), word, tone, detail.to_owned())
        };
        assert_eq!(
            shown,
            [
                row(0, "build", "success", Tone::Good, ""),
                row(0, "lint", "failed", Tone::Quiet, "exit_code, allowed"),
                row(1, "test", "running", Tone::Active, "attempt 2, 1 min 5 s"),
                row(2, "deploy", "waiting", Tone::Quiet, "for test"),
            ]
        );
    }

    #[test]
    fn a_run_has_one_word() {
        let shown = |phase: Phase, result: RunResult| {
            let mut run = run();
            (run.run.phase, run.run.result) = (phase, result);
            (state(&run.run).0, succeeded(&run))
        };
        for (phase, result, word, success) in [
            (Phase::Finished, RunResult::Success, "success", true),
            (Phase::Finished, RunResult::Failed, "failed", false),
            (Phase::Finished, RunResult::Stopped, "stopped", false),
            (Phase::Running, RunResult::Failed, "failing", false),
            (Phase::Running, RunResult::Unknown, "running", false),
            (Phase::Cancelled, RunResult::Unknown, "cancelled", false),
        ] {
            assert_eq!(shown(phase, result), (word.to_owned(), success));
        }
    }
}
