use drydock_api::runservice::types::{AttemptPhase, Phase, Reason, RunResult, TaskStatus};
use serde_json::json;

use super::harness::{at, failed, name, queued, settings, started, succeeded};
use crate::engine::attempt::Ending;
use crate::engine::stop::{WrongPhase, cancel, stop};

const BY_USER: Reason = Reason::StoppedByUser;

#[test]
fn a_stop_cancels_what_waits_and_stops_what_runs() {
    let tasks = json!({
        "a": {"steps": []},
        "b": {"steps": [], "depends": [{"a": "always"}]},
        "c": {"steps": []},
    });
    let mut state = started(&tasks);
    state.claim("a");
    assert_eq!(stop(&mut state, BY_USER, at(5), &settings()), Ok(true));
    assert_eq!(state.statuses(), "a=stopping b=cancelled c=cancelled");
    assert_eq!(state.outcome(), (Phase::Running, RunResult::Stopped));
    let attempt = state.live_attempt(&name("a")).unwrap();
    assert_eq!(attempt.phase, AttemptPhase::Stopping);
    assert_eq!(attempt.stop.map(|order| (order.reason, order.grace_ms)), Some((BY_USER, 10_000)));
    assert_eq!(attempt.deadline, at(5 + 10 + 310));
    // The second stop takes the grace away, and the third changes nothing.
    assert_eq!(stop(&mut state, BY_USER, at(5), &settings()), Ok(true));
    assert_eq!(state.live_attempt(&name("a")).unwrap().stop.unwrap().grace_ms, 0);
    assert_eq!(stop(&mut state, BY_USER, at(5), &settings()), Ok(false));
    state.end_at("a", Ending::unheard(AttemptPhase::Stopped, BY_USER), at(9));
    assert_eq!(state.status("a"), TaskStatus::Stopped);
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Stopped));
    let late = stop(&mut state, BY_USER, at(10), &settings());
    assert_eq!(late, Err(WrongPhase(Phase::Finished)));
}

#[test]
fn a_task_that_ended_before_the_stop_reached_it_keeps_its_end() {
    for (ending, result) in [(succeeded(), RunResult::Stopped), (failed(1), RunResult::Failed)] {
        let mut state = started(&json!({"a": {"steps": []}}));
        state.claim("a");
        stop(&mut state, BY_USER, at(0), &settings()).unwrap();
        let phase = ending.phase;
        state.end_at("a", ending, at(1));
        assert_eq!(state.status("a").as_str(), phase.as_str());
        assert_eq!(state.outcome(), (Phase::Finished, result));
    }
}

#[test]
fn an_executor_that_is_lost_while_it_stops_ends_the_stop() {
    let mut state = started(&json!({"a": {"steps": []}}));
    state.claim("a");
    stop(&mut state, BY_USER, at(0), &settings()).unwrap();
    state.lose_at("a", Reason::ExecutorLost, at(60));
    assert_eq!(state.status("a"), TaskStatus::Stopped);
    assert_eq!(state.task(&name("a")).reason, Some(Reason::ExecutorLost));
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Stopped));
}

#[test]
fn only_a_queued_run_is_cancelled() {
    let tasks = json!({"a": {"steps": []}});
    let mut state = queued(&tasks);
    assert_eq!(cancel(&mut state, BY_USER, at(3)), Ok(()));
    assert_eq!(state.statuses(), "a=cancelled");
    assert_eq!(state.outcome(), (Phase::Cancelled, RunResult::Unknown));
    assert_eq!(state.run.ended_at, Some(at(3)));
    assert_eq!(cancel(&mut state, BY_USER, at(3)), Err(WrongPhase(Phase::Cancelled)));
    assert_eq!(cancel(&mut started(&tasks), BY_USER, at(3)), Err(WrongPhase(Phase::Running)));
    let mut stopped = queued(&tasks);
    assert_eq!(stop(&mut stopped, BY_USER, at(3), &settings()), Ok(true));
    assert_eq!(stopped.run.phase, Phase::Cancelled);
}
