use drydock_api::runservice::types::{AttemptPhase, Phase, Reason, RunResult, TaskStatus};
use serde_json::{Value, json};

use super::harness::{at, failed, name, settings, started};
use crate::engine::attempt::Ending;
use crate::engine::retry::{Failure, is_retried, pause};
use crate::engine::stop::stop;

#[test]
fn a_retry_is_for_the_failures_that_it_names() {
    let spec = |retry: Value| serde_json::from_value(json!({"steps": [], "retry": retry})).unwrap();
    let none = Value::Null;
    let any = json!({"max": 1});
    let lost = json!({"max": 1, "for": ["executor_lost"]});
    let code = json!({"max": 1, "for": [3]});
    let never = json!({"max": 0});
    // The columns are the definitions in this order.
    let retries = [&none, &any, &lost, &code, &never];
    let table: [(Reason, [u8; 5]); 20] = [
        (Reason::ExitCode, [0, 1, 0, 1, 0]),
        (Reason::Signal, [0, 1, 0, 0, 0]),
        (Reason::OutOfMemory, [0, 1, 0, 0, 0]),
        (Reason::Timeout, [0, 1, 0, 0, 0]),
        (Reason::QueueTimeout, [0, 0, 0, 0, 0]),
        (Reason::ExecutorLost, [0, 1, 1, 0, 0]),
        (Reason::ExecutorRestarted, [0, 1, 1, 0, 0]),
        // Nothing was started: it is always claimed anew.
        (Reason::ClaimLost, [1, 1, 1, 1, 1]),
        (Reason::SetupFailed, [0, 1, 0, 0, 0]),
        (Reason::ArchiveMissing, [0, 0, 0, 0, 0]),
        (Reason::LogLimit, [0, 1, 0, 0, 0]),
        (Reason::DiskFull, [0, 1, 0, 0, 0]),
        (Reason::StoppedByUser, [0, 0, 0, 0, 0]),
        (Reason::Superseded, [0, 0, 0, 0, 0]),
        (Reason::ApprovalRefused, [0, 0, 0, 0, 0]),
        (Reason::ApprovalExpired, [0, 0, 0, 0, 0]),
        (Reason::RunTimeout, [0, 0, 0, 0, 0]),
        (Reason::FailFast, [0, 0, 0, 0, 0]),
        (Reason::LostInRestore, [0, 1, 1, 0, 0]),
        (Reason::RefusedByExecutor, [0, 1, 1, 0, 0]),
    ];
    assert_eq!(table.map(|(reason, _)| reason), Reason::ALL, "no reason is left out");
    for (reason, expected) in table {
        for (retry, expected) in retries.iter().zip(expected) {
            let failure = Failure { reason, code: Some(3) };
            let found = is_retried(&spec((*retry).clone()), 0, failure);
            assert_eq!(u8::from(found), expected, "{reason} with {retry}");
        }
    }
    let other = Failure { reason: Reason::ExitCode, code: Some(4) };
    assert!(!is_retried(&spec(code), 0, other));
}

#[test]
fn an_attempt_that_was_stopped_is_not_tried_again_though_its_run_was_not() {
    let tasks = json!({
        "a": {"steps": [], "retry": {"max": 3}},
        "b": {"steps": [], "depends": [{"a": "always"}]},
        "c": {"steps": []},
    });
    let mut state = started(&tasks);
    state.claim("a");
    let undone = Ending::unheard(AttemptPhase::Stopped, Reason::LostInRestore);
    state.end_at("a", undone, at(0));
    assert_eq!(state.statuses(), "a=stopped b=skipped c=ready");
    assert_eq!(state.outcome(), (Phase::Running, RunResult::Stopped));
    state.succeed("c");
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Stopped));
    assert_eq!(state.task(&name("a")).attempts, 1);
}

#[test]
fn retries_are_counted_over_all_reasons() {
    let tasks = json!({"a": {"steps": [], "retry": {"max": 2}}});
    let mut state = started(&tasks);
    state.fail("a", 1);
    assert_eq!(state.statuses(), "a=ready");
    assert_eq!(state.task(&name("a")).not_before, Some(at(5)));
    state.claim("a");
    state.lose_at("a", Reason::ExecutorLost, at(0));
    assert_eq!(state.task(&name("a")).not_before, Some(at(10)));
    // A lost claim is no retry.
    state.claim("a");
    state.lose_at("a", Reason::ClaimLost, at(0));
    assert_eq!(state.task(&name("a")).not_before, None);
    let third = state.claim("a");
    assert_eq!(third.number, 4);
    state.end_at("a", failed(1), at(0));
    assert_eq!(state.status("a"), TaskStatus::Failed);
    assert_eq!(state.attempts.len(), 4);
    assert!(state.attempts.values().all(|attempt| attempt.phase == AttemptPhase::Failed));
}

#[test]
fn the_pause_doubles_up_to_a_bound() {
    let seconds = |retries| pause(retries, &settings()).as_secs();
    assert_eq!([0, 1, 2, 3, 5, 6, 10, 100].map(seconds), [5, 10, 20, 40, 160, 300, 300, 300]);
}

#[test]
fn nothing_is_tried_again_after_a_stop() {
    let tasks = json!({"a": {"steps": [], "retry": {"max": 2}}, "b": {"steps": []}});
    for reason in [Reason::ExitCode, Reason::ClaimLost] {
        let mut state = started(&tasks);
        state.claim("a");
        state.claim("b");
        stop(&mut state, Reason::StoppedByUser, at(0), &settings()).unwrap();
        state.end_at("a", Ending::unheard(AttemptPhase::Failed, reason), at(0));
        assert_eq!(state.status("a"), TaskStatus::Failed, "{reason}");
    }
}

#[test]
fn an_exclusive_task_rests_after_the_loss_of_its_executor() {
    let tasks = json!({"a": {"steps": [], "exclusive": true, "retry": {"max": 1}}});
    let mut state = started(&tasks);
    state.claim("a");
    state.lose_at("a", Reason::ExecutorLost, at(100));
    assert_eq!(state.task(&name("a")).not_before, Some(at(130)));
    assert_eq!(state.run.group_held_until, Some(at(130)));
}
