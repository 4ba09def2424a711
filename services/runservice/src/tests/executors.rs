//! Executors: sessions, claims, heartbeats, statuses, loss.

use std::collections::BTreeSet;
use std::convert::Infallible;

use drydock_api::names::Ref;
use drydock_api::runservice::endpoints::executor::Update;
use drydock_api::runservice::endpoints::run::Stop;
use drydock_api::runservice::types::{
    AttemptId, ClaimId, HeldState, Phase, Reason, RunResult, TaskStatus,
};
use drydock_core::error::ActionError;
use serde_json::json;

use super::harness::{TestRuns, any, code, holding, id, one_task, report};
use crate::action::executor::{self, Change};
use crate::action::heartbeat::{HeartbeatReport, preview};

#[tokio::test]
async fn the_same_claim_gets_the_same_attempt() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 2).await;
    runs.create(&json!({"a": {"steps": []}, "b": {"steps": []}})).await;
    let first = runs.try_claim(executor, 1, 50).await.unwrap().unwrap();
    let before = runs.commits();
    let again = runs.try_claim(executor, 1, 50).await.unwrap().unwrap();
    assert_eq!((again.id, runs.commits() - before), (first.id, 0));
    // Even the limit does not matter for it.
    let second = runs.try_claim(executor, 1, 51).await.unwrap().unwrap();
    assert_ne!(second.task, first.task);
    assert_eq!(runs.try_claim(executor, 1, 50).await.unwrap().unwrap().id, first.id);
    runs.succeed(&first).await;
    assert_eq!(code(runs.try_claim(executor, 1, 50).await), "stale_attempt");
    let other = runs.executor("two", 2).await;
    assert_eq!(code(runs.try_claim(other, 1, 51).await), "stale_attempt");
}

#[tokio::test]
async fn an_executor_gets_no_more_than_its_limit() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    runs.create(&json!({"a": {"steps": []}, "b": {"steps": []}})).await;
    let attempt = runs.claim(executor).await.unwrap();
    assert_eq!(runs.claim(executor).await, None);
    runs.succeed(&attempt).await;
    assert!(runs.claim(executor).await.is_some());
}

#[tokio::test]
async fn only_the_newest_session_is_served() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    runs.create(&one_task()).await;
    assert_eq!(code(runs.try_claim(executor, 2, 50).await), "executor_unknown");
    runs.beat(&report(executor, 3, 1)).await.unwrap();
    assert_eq!(code(runs.try_claim(executor, 2, 50).await), "session_replaced");
    assert_eq!(code(runs.beat(&report(executor, 2, 1)).await), "session_replaced");
    assert!(runs.try_claim(executor, 3, 50).await.unwrap().is_some());
    let nobody = drydock_api::runservice::types::ExecutorId(id(99));
    assert_eq!(code(runs.try_claim(nobody, 1, 60).await), "unauthorized");
}

#[tokio::test]
async fn a_disabled_or_draining_executor_gets_nothing() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    runs.create(&one_task()).await;
    let change = |enabled, drain| {
        let change = Change { enabled: Some(enabled), drain: Some(drain) };
        runs.act(move |tx| executor::update::<Update>(tx, &Ref::Id(executor.0), change, &any()))
    };
    change(false, false).await.unwrap();
    assert_eq!(runs.claim(executor).await, None);
    change(true, true).await.unwrap();
    assert_eq!(runs.claim(executor).await, None);
    assert!(runs.beat(&report(executor, 1, 1)).await.unwrap().drain);
    change(true, false).await.unwrap();
    assert!(runs.claim(executor).await.is_some());
}

#[tokio::test]
async fn a_heartbeat_that_says_nothing_new_changes_nothing() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let before = runs.commits();
    let same = report(executor, 1, 1);
    runs.beat(&same).await.unwrap();
    assert_eq!(runs.commits(), before);
    let preview = |report: HeartbeatReport| {
        runs.read(move |tx| {
            preview(tx, &report).map_err(|error| ActionError::internal(error.boxed()))
        })
    };
    assert!(!preview(same.clone()).await.changes);
    let label: BTreeSet<_> = ["linux".parse().unwrap()].into();
    for report in [
        HeartbeatReport { labels: label, ..same.clone() },
        HeartbeatReport { limit: 2, ..same.clone() },
        HeartbeatReport { session: 2, ..same.clone() },
        HeartbeatReport { arch: Some("arm64".to_owned()), ..same.clone() },
    ] {
        assert!(preview(report.clone()).await.changes, "{report:?}");
    }
}

#[tokio::test]
async fn a_claim_that_its_executor_forgot_is_given_anew_without_a_retry() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let run = runs.create(&one_task()).await;
    let first = runs.try_claim(executor, 1, 50).await.unwrap().unwrap();
    // Within the session, and while it is asked for, nothing is concluded.
    runs.beat(&report(executor, 1, 1)).await.unwrap();
    let asking = HeartbeatReport { asked: [ClaimId(id(50))].into(), ..report(executor, 2, 1) };
    runs.beat(&asking).await.unwrap();
    assert_eq!(runs.statuses(run.id).await, "a=running");
    let heard = runs.beat(&report(executor, 3, 1)).await.unwrap();
    assert_eq!(heard.orders.claim_lost, [first.id]);
    assert_eq!(runs.statuses(run.id).await, "a=ready");
    let second = runs.try_claim(executor, 3, 51).await.unwrap().unwrap();
    assert_eq!((second.task, second.number), (first.task, 2));
    let late = json!({"phase": "success"});
    assert_eq!(code(runs.report(executor, first.id, &late).await), "stale_attempt");
    runs.succeed(&second).await;
    assert_eq!(runs.outcome(run.id).await, (Phase::Finished, RunResult::Success));
}

#[tokio::test]
async fn what_is_not_known_is_said_so_and_a_stop_is_told() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let run = runs.create(&one_task()).await;
    let attempt = runs.claim(executor).await.unwrap();
    let engine = runs.settings.engine.clone();
    runs.act(move |tx| crate::action::stop::stop::<Stop>(tx, &engine, run.id)).await.unwrap();
    let holds = holding(report(executor, 1, 1), attempt.id, HeldState::Spawned);
    let orders = runs.beat(&holds).await.unwrap().orders;
    assert_eq!(orders.stop.len(), 1);
    assert_eq!(orders.stop[0].1.reason, Reason::StoppedByUser);
    let foreign = holding(report(executor, 1, 1), AttemptId(id(77)), HeldState::Spawned);
    assert_eq!(runs.beat(&foreign).await.unwrap().orders.unknown, [AttemptId(id(77))]);
}

#[tokio::test]
async fn statuses_are_taken_once_and_bad_ones_change_nothing() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let run = runs.create(&json!({"a": {"steps": [{"run": {"command": "x"}}]}})).await;
    let attempt = runs.claim(executor).await.unwrap();
    let before = runs.commits();
    for bad in [
        json!({"phase": "running"}),
        json!({"phase": "success"}),
        json!({"phase": "success", "steps": [{"exit": {"code": 1}}]}),
        json!({"phase": "failed", "reason": "exit_code", "steps": [{}, {}]}),
    ] {
        assert_eq!(code(runs.report(executor, attempt.id, &bad).await), "bad_status", "{bad}");
    }
    let failed =
        json!({"phase": "failed", "reason": "exit_code", "steps": [{"exit": {"code": 1}}]});
    let other = runs.executor("two", 1).await;
    assert_eq!(code(runs.report(other, attempt.id, &failed).await), "attempt_not_exist");
    assert_eq!(runs.statuses(run.id).await, "a=running");
    assert_eq!(runs.commits() - before, 2, "the second executor");
    runs.report(executor, attempt.id, &failed).await.unwrap();
    let before = runs.commits();
    runs.report(executor, attempt.id, &failed).await.unwrap();
    let success = json!({"phase": "success", "steps": [{"exit": {"code": 0}}]});
    assert_eq!(code(runs.report(executor, attempt.id, &success).await), "stale_attempt");
    assert_eq!(runs.commits(), before);
    assert_eq!(runs.statuses(run.id).await, "a=failed");
}

#[tokio::test]
async fn a_deleted_executor_loses_its_attempts_at_once() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 2).await;
    let retried = json!({"steps": [], "retry": {"max": 1, "for": ["executor_lost"]}});
    let run = runs.create(&json!({"a": {"steps": []}, "b": retried})).await;
    runs.claim(executor).await.unwrap();
    runs.claim(executor).await.unwrap();
    runs.delete_executor(executor).await;
    assert_eq!(runs.statuses(run.id).await, "a=failed b=ready");
    let state = runs.state(run.id).await;
    let a = state.tasks.values().next().unwrap();
    assert_eq!((a.status, a.reason), (TaskStatus::Failed, Some(Reason::ExecutorLost)));
    assert_eq!(code(runs.beat(&report(executor, 1, 1)).await), "unauthorized");
}

#[tokio::test]
async fn a_loss_is_decided_for_one_session_only() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let run = runs.create(&one_task()).await;
    let attempt = runs.claim(executor).await.unwrap();
    // The executor was started again before the loss was committed.
    let holds = holding(report(executor, 2, 1), attempt.id, HeldState::Spawned);
    runs.beat(&holds).await.unwrap();
    let engine = runs.settings.engine.clone();
    let lose = |session| {
        let engine = engine.clone();
        runs.act(move |tx| executor::lose_all::<Infallible>(tx, &engine, executor, session))
    };
    lose(1).await.unwrap();
    assert_eq!(runs.statuses(run.id).await, "a=running");
    lose(2).await.unwrap();
    assert_eq!(runs.statuses(run.id).await, "a=failed");
}
