use drydock_api::runservice::types::{Phase, Reason, RunResult, TaskStatus};
use serde_json::json;

use super::harness::{DAY, HOUR, MINUTE, at, name, queued, settings, started};
use crate::engine::RunState;
use crate::engine::deadline::{due, expire};
use crate::engine::stop::stop;

/// Nothing happens a second before, and something does then.
fn expires_at(state: &mut RunState, seconds: u64) {
    assert_eq!(due(state, &settings()), Some(at(seconds)));
    let before = state.clone();
    assert!(!expire(state, at(seconds - 1), &settings()));
    assert_eq!(*state, before);
    assert!(expire(state, at(seconds), &settings()));
    assert!(due(state, &settings()).is_none_or(|next| next > at(seconds)));
}

#[test]
fn a_ready_task_waits_a_day_for_an_executor() {
    let mut state = started(&json!({"a": {"steps": []}}));
    state.run.deadline = None;
    expires_at(&mut state, DAY + 30);
    assert_eq!(state.status("a"), TaskStatus::Failed);
    assert_eq!(state.task(&name("a")).reason, Some(Reason::QueueTimeout));
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Failed));
}

#[test]
fn an_attempt_takes_as_long_as_its_task_says() {
    let tasks = json!({"a": {"steps": [], "timeout": "20m"}, "b": {"steps": []}});
    let mut state = started(&tasks);
    state.claim_at("a", at(100));
    state.claim_at("b", at(100));
    expires_at(&mut state, 100 + 20 * MINUTE + 30);
    assert_eq!(state.statuses(), "a=failed b=running");
    assert_eq!(state.task(&name("a")).reason, Some(Reason::Timeout));
    expires_at(&mut state, 100 + HOUR + 30);
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Failed));
}

#[test]
fn an_attempt_that_does_not_stop_is_given_up() {
    let mut state = started(&json!({"a": {"steps": []}}));
    state.claim("a");
    stop(&mut state, Reason::Superseded, at(100), &settings()).unwrap();
    expires_at(&mut state, 100 + 320 + 30);
    assert_eq!(state.status("a"), TaskStatus::Stopped);
    assert_eq!(state.task(&name("a")).reason, Some(Reason::Superseded));
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Stopped));
}

#[test]
fn a_run_takes_a_day() {
    let tasks = json!({
        "a": {"steps": [], "timeout": "30d"},
        "b": {"steps": [], "depends": [{"a": "always"}]},
    });
    let mut state = started(&tasks);
    state.claim("a");
    expires_at(&mut state, DAY + 30);
    assert_eq!(state.statuses(), "a=stopping b=cancelled");
    assert_eq!(state.run.stop.map(|stop| stop.reason), Some(Reason::RunTimeout));
    expires_at(&mut state, DAY + 30 + 320 + 30);
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Stopped));
}

#[test]
fn an_approval_waits_a_week_and_the_run_does_not_end_before() {
    let mut state = started(&json!({"a": {"steps": [], "approval": {}}}));
    expires_at(&mut state, 7 * DAY + 30);
    assert_eq!(state.status("a"), TaskStatus::Cancelled);
    assert_eq!(state.task(&name("a")).reason, Some(Reason::ApprovalExpired));
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Stopped));
}

#[test]
fn runs_that_do_not_run_have_no_deadline() {
    let mut waiting = queued(&json!({"a": {"steps": []}}));
    assert_eq!(due(&waiting, &settings()), None);
    assert!(!expire(&mut waiting, at(100 * DAY), &settings()));
    let mut done = started(&json!({"a": {"steps": []}}));
    done.succeed("a");
    assert_eq!(due(&done, &settings()), None);
}

#[test]
fn a_timeout_is_tried_again_if_the_task_says_so() {
    let retry = json!({"max": 1, "for": ["timeout"]});
    let mut state = started(&json!({"a": {"steps": [], "timeout": "1m", "retry": retry}}));
    state.claim("a");
    expires_at(&mut state, 90);
    assert_eq!(state.statuses(), "a=ready");
    assert_eq!(state.task(&name("a")).not_before, Some(at(95)));
    assert_eq!(state.task(&name("a")).queue_deadline, Some(at(95 + DAY)));
}
