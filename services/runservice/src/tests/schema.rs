//! Writes that no action makes: the constraints hold all the same.

use drydock_api::runservice::types::{
    AttemptId, AttemptPhase, ClaimId, ExecutorId, Phase, RunId, RunResult, TaskId,
};
use drydock_core::context::Context;
use drydock_core::error::{BoxError, Chain};
use drydock_core::store::StoreTx;
use serde_json::json;

use super::harness::{TestRuns, id, one_task};
use crate::record::{Attempt, Run, RunEvent, Task};
use crate::schema::{ATTEMPTS, EXECUTORS, RUN_DEFINITIONS, RUN_EVENTS, RUNS, TASKS};

fn put_run(tx: &mut StoreTx<'_>, change: fn(&mut Run)) -> Result<(), BoxError> {
    let mut run: Run = tx.query_objects("SELECT data FROM runs WHERE number = 1", [])?.remove(0);
    change(&mut run);
    Ok(tx.put(RUNS, run.id.0, &run)?)
}

fn put_attempt(tx: &mut StoreTx<'_>, change: fn(&mut Attempt)) -> Result<(), BoxError> {
    let mut attempt: Attempt = tx.query_objects("SELECT data FROM attempts", [])?.remove(0);
    change(&mut attempt);
    Ok(tx.put(ATTEMPTS, attempt.id.0, &attempt)?)
}

#[tokio::test]
async fn no_write_breaks_a_constraint() {
    type Write = fn(&mut StoreTx<'_>) -> Result<(), BoxError>;
    let writes: [(&str, Write); 15] = [
        ("a number is given twice", |tx| {
            put_run(tx, |run| (run.id, run.place, run.phase) = (RunId(id(9)), 9, Phase::Queued))
        }),
        ("two runs of a group run", |tx| {
            put_run(tx, |run| {
                (run.id, run.number, run.place) = (RunId(id(9)), 9, 9);
                run.definition = Some(run.id);
            })
        }),
        ("a run has no definition", |tx| put_run(tx, |run| run.definition = None)),
        ("a run has another run's definition", |tx| {
            put_run(tx, |run| {
                (run.id, run.number, run.place) = (RunId(id(9)), 9, 9);
                run.phase = Phase::Queued;
            })
        }),
        ("a run is finished without a result", |tx| put_run(tx, |run| run.phase = Phase::Finished)),
        ("a definition that is used goes", |tx| {
            let run: Run = tx.query_objects("SELECT data FROM runs", [])?.remove(0);
            Ok(tx.delete(RUN_DEFINITIONS, run.id.0)?)
        }),
        ("a run with tasks goes", |tx| {
            let run: Run = tx.query_objects("SELECT data FROM runs", [])?.remove(0);
            Ok(tx.delete(RUNS, run.id.0)?)
        }),
        ("a task is there twice", |tx| {
            let mut task: Task = tx.query_objects("SELECT data FROM tasks", [])?.remove(0);
            task.id = TaskId(id(9));
            Ok(tx.put(TASKS, id(9), &task)?)
        }),
        ("a running task is ready", |tx| {
            let mut task: Task = tx.query_objects("SELECT data FROM tasks", [])?.remove(0);
            task.ready_at = Some(task.created_at);
            Ok(tx.put(TASKS, task.id.0, &task)?)
        }),
        ("two attempts of a task are live", |tx| {
            put_attempt(tx, |attempt| {
                (attempt.id, attempt.claim) = (AttemptId(id(9)), ClaimId(id(9)));
                (attempt.number, attempt.place) = (9, 9);
            })
        }),
        ("a claim yields two attempts", |tx| {
            put_attempt(tx, |attempt| {
                (attempt.id, attempt.number, attempt.place) = (AttemptId(id(9)), 9, 9);
                attempt.phase = AttemptPhase::Failed;
            })
        }),
        ("an attempt is numbered as another", |tx| {
            put_attempt(tx, |attempt| {
                (attempt.id, attempt.claim) = (AttemptId(id(9)), ClaimId(id(9)));
                (attempt.place, attempt.phase) = (9, AttemptPhase::Failed);
            })
        }),
        ("a live attempt has no executor", |tx| {
            put_attempt(tx, |attempt| attempt.executor = ExecutorId(id(9)))
        }),
        ("an executor with live attempts goes", |tx| {
            let attempt: Attempt = tx.query_objects("SELECT data FROM attempts", [])?.remove(0);
            Ok(tx.delete(EXECUTORS, attempt.executor.0)?)
        }),
        ("an event is there twice", |tx| {
            let mut event: RunEvent =
                tx.query_objects("SELECT data FROM run_events", [])?.remove(0);
            event.id = id(9);
            Ok(tx.put(RUN_EVENTS, id(9), &event)?)
        }),
    ];
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let run = runs.create(&one_task()).await;
    runs.claim(executor).await.unwrap();
    for (what, write) in writes {
        let refused = runs.store.transact(&Context::background(), write).await;
        let error = refused.expect_err(what);
        let text = Chain(error.as_ref()).to_string();
        assert!(text.contains("constraint failed"), "{what}: {text}");
    }
    assert_eq!(runs.outcome(run.id).await, (Phase::Running, RunResult::Unknown));
}

#[test]
fn an_invalid_object_is_refused() {
    let event = json!({
        "id": id(1), "seq": 1, "run": id(2), "project": id(3), "number": 1,
        "group": format!("/project/{}", id(3)), "phase": "running", "result": "unknown",
        "at": "2026-01-01T00:00:00Z",
    });
    let with = |key: &str, value: serde_json::Value| {
        let mut event = event.clone();
        event[key] = value;
        event
    };
    for (event, accepted) in [
        (event.clone(), true),
        (with("more", json!(1)), false),
        (with("phase", json!("ready")), false),
        (with("group", json!("/project/site")), false),
        (with("seq", json!(-1)), false),
    ] {
        let check = crate::SCHEMA.find(RUN_EVENTS).unwrap().1.check;
        assert_eq!(check(&event.to_string()).is_ok(), accepted, "{event}");
    }
}
