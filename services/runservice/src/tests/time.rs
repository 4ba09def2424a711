//! Deadlines, as the background work of any instance enforces them.

use std::convert::Infallible;

use drydock_api::runservice::types::{Phase, Reason, RunResult};
use serde_json::json;

use super::harness::{TestRuns, new_run, one_task, project};
use crate::action::late::{due, expire, start};

impl TestRuns {
    /// One pass of the background work.
    async fn tick(&self) -> usize {
        let now = self.encryptor.env.now();
        let due = self.read(move |tx| Ok(due(tx, now)?)).await;
        let count = due.late.len() + due.startable.len();
        for run in due.late {
            let engine = self.settings.engine.clone();
            self.act(move |tx| expire::<Infallible>(tx, &engine, run)).await.unwrap();
        }
        for run in due.startable {
            let engine = self.settings.engine.clone();
            self.act(move |tx| start::<Infallible>(tx, &engine, run)).await.unwrap();
        }
        count
    }
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_ended_by_the_service() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let run = runs.create(&json!({"a": {"steps": [], "timeout": "1m"}})).await;
    let attempt = runs.claim(executor).await.unwrap();
    runs.pass(60);
    runs.tick().await;
    assert_eq!(runs.statuses(run.id).await, "a=running", "the executor acts first");
    runs.pass(30);
    assert_eq!(runs.tick().await, 1);
    assert_eq!(runs.outcome(run.id).await, (Phase::Finished, RunResult::Failed));
    let late = runs.report(executor, attempt.id, &json!({"phase": "success"})).await;
    assert_eq!(super::harness::code(late), "stale_attempt");
    assert_eq!(runs.tick().await, 0);
}

#[tokio::test]
async fn what_waits_too_long_is_ended() {
    let runs = TestRuns::start().await;
    let waiting = runs.create(&one_task()).await;
    let asking = json!({"a": {"steps": [], "approval": {"timeout": "1h"}}});
    let asking = runs.try_create(new_run(project(8), &asking)).await.unwrap();
    runs.pass(3630);
    runs.tick().await;
    assert_eq!(runs.outcome(asking.id).await, (Phase::Finished, RunResult::Stopped));
    assert_eq!(runs.outcome(waiting.id).await, (Phase::Running, RunResult::Unknown));
    runs.pass(24 * 3600);
    runs.tick().await;
    assert_eq!(runs.outcome(waiting.id).await.0, Phase::Finished);
    assert_eq!(runs.tick().await, 0);
}

#[tokio::test]
async fn a_group_rests_after_an_exclusive_task_lost_its_executor() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let first = runs.create(&json!({"a": {"steps": [], "exclusive": true}})).await;
    let second = runs.create(&one_task()).await;
    runs.claim(executor).await.unwrap();
    runs.delete_executor(executor).await;
    let lost = runs.state(first.id).await;
    assert_eq!(lost.tasks.values().next().unwrap().reason, Some(Reason::ExecutorLost));
    assert_eq!(runs.outcome(second.id).await.0, Phase::Queued);
    // It goes on for up to 60 s without an answer, and has 30 s to end what runs.
    runs.pass(89);
    runs.tick().await;
    assert_eq!(runs.outcome(second.id).await.0, Phase::Queued);
    runs.pass(1);
    runs.tick().await;
    assert_eq!(runs.outcome(second.id).await.0, Phase::Running);
}
