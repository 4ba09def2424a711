use drydock_api::runservice::types::{Phase, Reason, RunResult, TaskStatus};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::harness::{DAY, HOUR, at, name, settings, started};
use crate::engine::RunState;
use crate::engine::approval::{Decider, Decision, NotDecided, decide};

fn by(
    state: &mut RunState,
    who: &str,
    decision: Decision,
    now: Timestamp,
) -> Result<bool, NotDecided> {
    let decider = Decider { approver: who.to_owned(), comment: None };
    decide(state, &name("b"), decision, decider, now, &settings())
}

fn tasks() -> Value {
    json!({
        "a": {"steps": []},
        "b": {"steps": [], "depends": ["a"], "approval": {"timeout": "3d"}},
        "c": {"steps": [], "depends": ["b"]},
    })
}

#[test]
fn a_task_asks_once_its_parents_are_done() {
    let mut state = started(&tasks());
    let early = by(&mut state, "alice", Decision::Approve, at(0));
    assert_eq!(early, Err(NotDecided::NotWaiting));
    state.succeed("a");
    assert_eq!(state.statuses(), "a=success b=not_started c=not_started");
    let approval = state.task(&name("b")).approval.clone().unwrap();
    assert_eq!((approval.since, approval.expires_at), (at(0), at(3 * DAY)));
    assert_eq!(by(&mut state, "alice", Decision::Approve, at(5)), Ok(true));
    assert_eq!(state.statuses(), "a=success b=ready c=not_started");
    // The same person may say it again; nobody may say anything else.
    assert_eq!(by(&mut state, "alice", Decision::Approve, at(6)), Ok(false));
    assert_eq!(by(&mut state, "bob", Decision::Approve, at(6)), Err(NotDecided::Decided));
    assert_eq!(by(&mut state, "alice", Decision::Refuse, at(6)), Err(NotDecided::Decided));
    let approval = state.task(&name("b")).approval.clone().unwrap();
    assert_eq!(approval.decided_at, Some(at(5)));
}

#[test]
fn a_refusal_ends_the_task_and_the_run_is_stopped() {
    let mut state = started(&tasks());
    state.succeed("a");
    assert_eq!(by(&mut state, "alice", Decision::Refuse, at(5)), Ok(true));
    assert_eq!(by(&mut state, "alice", Decision::Refuse, at(6)), Ok(false));
    assert_eq!(state.statuses(), "a=success b=cancelled c=skipped");
    assert_eq!(state.task(&name("b")).reason, Some(Reason::ApprovalRefused));
    assert_eq!(state.outcome(), (Phase::Finished, RunResult::Stopped));
}

#[test]
fn a_task_without_a_rule_cannot_be_approved() {
    let mut state = started(&json!({"b": {"steps": []}}));
    assert_eq!(by(&mut state, "alice", Decision::Approve, at(0)), Err(NotDecided::NotWaiting));
    assert_eq!(state.status("b"), TaskStatus::NotStarted);
}

#[test]
fn the_clock_of_the_run_stands_still_while_it_waits() {
    let mut state = started(&tasks());
    let deadline = state.run.deadline.unwrap();
    assert_eq!(deadline, at(24 * HOUR));
    state.succeed("a");
    assert_eq!(state.run.paused_since, Some(at(0)));
    by(&mut state, "alice", Decision::Approve, at(2 * HOUR)).unwrap();
    assert_eq!((state.run.paused_since, state.run.deadline), (None, Some(at(26 * HOUR))));
}

#[test]
fn two_approvals_at_once_stop_the_clock_once() {
    let rule = json!({"steps": [], "approval": {}});
    let mut state = started(&json!({"a": rule, "b": rule}));
    let both = [("a", HOUR), ("b", 2 * HOUR)];
    for (task, after) in both {
        let decider = Decider { approver: "alice".into(), comment: None };
        decide(&mut state, &name(task), Decision::Approve, decider, at(after), &settings())
            .unwrap();
    }
    assert_eq!(state.run.deadline, Some(at(26 * HOUR)));
}
