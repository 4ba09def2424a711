//! The table of conditions and final states of a parent.

use drydock_api::runservice::types::TaskStatus;
use serde_json::json;

use super::harness::{queued, started};
use crate::engine::edge::{ConditionSet, Edge, edge};
use Edge::{Satisfied as Yes, Unsatisfied as No, Wait};

#[test]
fn every_cell_of_the_table() {
    let conditions = [
        ("on_success", ConditionSet { on_success: true, ..ConditionSet::default() }),
        ("on_failure", ConditionSet { on_failure: true, ..ConditionSet::default() }),
        ("on_skipped", ConditionSet { on_skipped: true, ..ConditionSet::default() }),
    ];
    // The columns are the conditions in this order.
    let table = [
        (TaskStatus::Success, false, [Yes, No, No]),
        (TaskStatus::Failed, false, [No, Yes, No]),
        (TaskStatus::Failed, true, [Yes, No, No]),
        (TaskStatus::Skipped, false, [No, No, Yes]),
        (TaskStatus::Cancelled, false, [No, No, No]),
        (TaskStatus::Stopped, false, [No, No, No]),
        (TaskStatus::NotStarted, false, [Wait, Wait, Wait]),
        (TaskStatus::Running, false, [Wait, Wait, Wait]),
        (TaskStatus::Stopping, false, [Wait, Wait, Wait]),
    ];
    let statuses: Vec<_> = table.iter().map(|(status, ..)| *status).collect();
    assert!(
        TaskStatus::ALL.iter().all(|status| statuses.contains(status)),
        "no status is left out"
    );
    let mut parent = queued(&json!({"a": {"steps": []}})).tasks.into_values().next().unwrap();
    for (status, allowed, expected) in table {
        (parent.status, parent.failure_allowed) = (status, allowed);
        for ((text, conditions), expected) in conditions.iter().zip(expected) {
            let found = edge(*conditions, &parent);
            assert_eq!(found, expected, "{text}, {status}, allowed: {allowed}");
        }
    }
}

#[test]
fn any_condition_of_an_edge_is_enough() {
    let tasks = json!({
        "a": {"steps": []},
        "b": {"steps": [], "depends": [{"a": ["on_failure", "on_success"]}]},
        "c": {"steps": [], "depends": [{"a": "always"}]},
        "d": {"steps": [], "depends": [{"a": ["on_failure", "on_skipped"]}]},
    });
    let mut state = started(&tasks);
    state.succeed("a");
    assert_eq!(state.statuses(), "a=success b=ready c=ready d=skipped");
}

#[test]
fn a_child_waits_for_all_parents_even_if_one_has_decided() {
    let tasks = json!({
        "a": {"steps": []},
        "b": {"steps": []},
        "c": {"steps": [], "depends": ["a", "b"]},
    });
    let mut state = started(&tasks);
    state.claim("b");
    state.fail("a", 1);
    assert_eq!(state.statuses(), "a=failed b=running c=not_started");
    state.succeed("b");
    assert_eq!(state.statuses(), "a=failed b=success c=skipped");
}

#[test]
fn only_direct_parents_count() {
    let tasks = json!({
        "a": {"steps": [], "skip": true},
        "b": {"steps": [], "depends": [{"a": "on_skipped"}]},
        "c": {"steps": [], "depends": ["b"]},
    });
    let mut state = started(&tasks);
    assert_eq!(state.statuses(), "a=skipped b=ready c=not_started");
    state.succeed("b");
    assert_eq!(state.statuses(), "a=skipped b=success c=ready");
}

#[test]
fn a_skip_goes_all_the_way_down_in_one_call() {
    let mut tasks = json!({"t000": {"steps": [], "skip": true}});
    for nth in 1..200 {
        let above = format!("t{:03}", nth - 1);
        tasks[format!("t{nth:03}")] = json!({"steps": [], "depends": [above]});
    }
    let state = started(&tasks);
    assert!(state.tasks.values().all(|task| task.status == TaskStatus::Skipped));
    assert_eq!(state.run.phase.as_str(), "finished");
}
