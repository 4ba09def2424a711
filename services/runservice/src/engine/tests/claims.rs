use drydock_api::runservice::types::{AttemptPhase, LogState, TaskStatus};
use serde_json::json;

use super::harness::{HOUR, at, name, settings, started, succeeded};
use crate::engine::attempt::{finish, is_ready};

#[test]
fn a_claim_is_the_start() {
    let tasks =
        json!({"a": {"steps": [], "concurrency": "db"}, "b": {"steps": [], "depends": ["a"]}});
    let mut state = started(&tasks);
    assert!(is_ready(&state, &name("a")) && !is_ready(&state, &name("b")));
    let attempt = state.claim_at("a", at(100));
    assert_eq!((attempt.number, attempt.phase), (1, AttemptPhase::Running));
    assert_eq!((attempt.claimed_at, attempt.deadline), (at(100), at(100 + HOUR)));
    assert_eq!((attempt.log_state, attempt.pool.as_deref()), (LogState::Live, Some("db")));
    let task = state.task(&name("a"));
    assert_eq!((task.status, task.attempt), (TaskStatus::Running, Some(attempt.id)));
    assert_eq!((task.ready_at, task.queue_deadline), (None, None));
    assert!(!is_ready(&state, &name("a")));
}

#[test]
#[should_panic(expected = "only a ready task is claimed")]
fn a_task_is_not_claimed_twice() {
    let mut state = started(&json!({"a": {"steps": []}}));
    state.claim("a");
    state.claim("a");
}

#[test]
fn an_attempt_ends_once() {
    let mut state = started(&json!({"a": {"steps": []}}));
    state.claim("a");
    state.end_at("a", succeeded(), at(5));
    let done = state.clone();
    assert!(!finish(&mut state, &name("a"), succeeded(), at(6), &settings()));
    assert_eq!(state, done);
}
