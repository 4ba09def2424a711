//! Phases and results of runs.

use drydock_api::runservice::types::{Phase, RunResult};
use serde_json::json;

use super::harness::{at, name, settings, started};
use crate::engine::advance::advance;

#[test]
fn a_run_is_finished_when_every_task_is_final() {
    let tasks = json!({"a": {"steps": []}, "b": {"steps": [], "depends": ["a"]}});
    let mut state = started(&tasks);
    assert_eq!(state.outcome(), (Phase::Running, RunResult::Unknown));
    state.succeed("a");
    assert_eq!(state.outcome(), (Phase::Running, RunResult::Unknown));
    state.succeed("b");
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Success));
    assert_eq!(state.run.ended_at, Some(at(0)));
    assert_eq!(state.run.deadline, None);
}

#[test]
fn a_failure_is_known_early_and_stays() {
    let tasks = json!({
        "a": {"steps": []},
        "b": {"steps": []},
        "c": {"steps": [], "depends": [{"a": "on_failure"}]},
    });
    let mut state = started(&tasks);
    state.claim("b");
    state.fail("a", 1);
    assert_eq!(state.statuses(), "a=failed b=running c=ready");
    assert_eq!(state.outcome(), (Phase::Running, RunResult::Failed));
    state.succeed("c");
    state.succeed("b");
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Failed));
}

#[test]
fn an_allowed_failure_counts_as_a_success() {
    for (allowed, code, result) in [
        (json!(true), 1, RunResult::Success),
        (json!([3, 42]), 42, RunResult::Success),
        (json!([3, 42]), 1, RunResult::Failed),
        (json!(false), 1, RunResult::Failed),
    ] {
        let tasks = json!({
            "a": {"steps": [{"run": {"command": "x"}}], "allow_failure": allowed},
            "b": {"steps": [], "depends": ["a"]},
        });
        let mut state = started(&tasks);
        state.fail("a", code);
        if result == RunResult::Success {
            state.succeed("b");
        }
        assert_eq!(state.outcome(), (Phase::Finished, result), "{allowed}");
    }
}

#[test]
fn a_run_of_skipped_tasks_is_a_success_at_once() {
    let state = started(&json!({"a": {"steps": [], "skip": true}}));
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Success));
}

#[test]
fn failing_fast_keeps_what_deals_with_failures() {
    let tasks = json!({
        "a": {"steps": []},
        "b": {"steps": []},
        "c": {"steps": []},
        "other": {"steps": []},
        "below-other": {"steps": [], "depends": ["other"]},
        "even-then": {"steps": [], "depends": [{"other": "always"}]},
        "report-a": {"steps": [], "depends": [{"a": "on_failure"}]},
        "after-report": {"steps": [], "depends": ["report-a"]},
        "report-c": {"steps": [], "depends": [{"c": "on_failure"}]},
    });
    let mut state = started(&tasks);
    state.run.fail_fast = true;
    for task in ["a", "b", "c"] {
        state.claim(task);
    }
    state.fail("a", 1);
    assert_eq!(
        state.statuses(),
        "a=failed after-report=not_started b=running below-other=cancelled c=running \
         even-then=cancelled other=cancelled report-a=ready report-c=not_started"
    );
    assert_eq!(state.outcome(), (Phase::Running, RunResult::Failed));
    state.succeed("b");
    state.succeed("c");
    state.succeed("report-a");
    state.succeed("after-report");
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Failed));
}

#[test]
fn a_task_whose_archives_are_gone_fails_the_tasks_that_restore() {
    let tasks = json!({
        "a": {"steps": [{"save": {"paths": ["x"]}}]},
        "b": {"steps": [], "depends": ["a"]},
        "c": {"steps": [{"restore": {}}], "depends": ["b"]},
        "d": {"steps": [], "depends": ["b"]},
    });
    let mut state = started(&tasks);
    state.succeed("a");
    state.succeed("b");
    assert_eq!(state.statuses(), "a=success b=success c=ready d=ready");
    state.task_mut(&name("a")).archives_missing = true;
    advance(&mut state, at(0), &settings());
    assert_eq!(state.statuses(), "a=success b=success c=failed d=ready");
    assert_eq!(state.run.result, RunResult::Failed);
}
