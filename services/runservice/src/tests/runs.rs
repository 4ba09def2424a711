//! Creation, order, claims and ends of runs.

use std::convert::Infallible;

use drydock_api::runservice::endpoints::run::{Approve, Cancel, Stop};
use drydock_api::runservice::types::{OnNewer, Phase, Reason, RunResult, TaskStatus};
use serde_json::json;

use super::harness::{TestRuns, code, new_run, one_task, project};
use crate::action::approval::decide;
use crate::action::run::New;
use crate::action::{late, stop};
use crate::engine::approval::{Decider, Decision};

#[tokio::test]
async fn a_task_is_two_commits_and_a_run_one_more() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let before = runs.commits();
    let run = runs.create(&json!({"a": {"steps": []}, "b": {"steps": [], "depends": ["a"]}})).await;
    assert_eq!((run.phase, run.number), (Phase::Running, 1));
    for expected in ["a=success b=ready", "a=success b=success"] {
        let attempt = runs.claim(executor).await.unwrap();
        assert_eq!(runs.claim(executor).await, None, "the limit is one");
        runs.succeed(&attempt).await;
        assert_eq!(runs.statuses(run.id).await, expected);
    }
    assert_eq!(runs.outcome(run.id).await, (Phase::Finished, RunResult::Success));
    assert_eq!(runs.commits() - before, 5);
}

#[tokio::test]
async fn runs_of_a_group_follow_each_other_in_the_commit_that_ends_one() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 9).await;
    let first = runs.create(&one_task()).await;
    let second = runs.create(&one_task()).await;
    let third = runs.create(&json!({"a": {"steps": [], "skip": true}})).await;
    let fourth = runs.create(&one_task()).await;
    let other = runs.try_create(new_run(project(8), &one_task())).await.unwrap();
    let phases = [&first, &second, &third, &fourth, &other].map(|run| run.phase);
    let queued = Phase::Queued;
    assert_eq!(phases, [Phase::Running, queued, queued, queued, Phase::Running]);
    assert_eq!([first.number, fourth.number, other.number], [1, 4, 1]);
    let attempt = runs.claim(executor).await.unwrap();
    assert_eq!(attempt.run, first.id);
    let before = runs.commits();
    runs.succeed(&attempt).await;
    assert_eq!(runs.commits() - before, 1);
    assert_eq!(runs.outcome(second.id).await.0, Phase::Running);
    // The third run has nothing to do, and the fourth follows at once.
    let attempt = runs.claim(executor).await.unwrap();
    let attempt = match attempt.run == second.id {
        true => attempt,
        false => runs.claim(executor).await.unwrap(),
    };
    runs.fail(&attempt).await;
    assert_eq!(runs.outcome(second.id).await, (Phase::Finished, RunResult::Failed));
    assert_eq!(runs.outcome(third.id).await, (Phase::Finished, RunResult::Success));
    assert_eq!(runs.outcome(fourth.id).await.0, Phase::Running);
}

#[tokio::test]
async fn runs_created_at_once_have_their_own_numbers() {
    let runs = TestRuns::start().await;
    let create = || runs.try_create(new_run(project(7), &one_task()));
    let (a, b, c) = tokio::join!(create(), create(), create());
    let mut numbers = [a, b, c].map(|run| run.unwrap().number);
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test]
async fn a_definition_that_cannot_be_run_is_a_run_with_its_errors() {
    let runs = TestRuns::start().await;
    let run = runs.create(&json!({"a": {"steps": [], "depends": ["b"]}})).await;
    assert_eq!((run.phase, run.number), (Phase::SetupError, 1));
    assert_eq!(run.setup_errors, ["`a` depends on `b`, which does not exist"]);
    let next = runs.create(&one_task()).await;
    assert_eq!((next.phase, next.number), (Phase::Running, 2), "it holds up nothing");
}

#[tokio::test]
async fn queues_have_bounds() {
    let mut runs = TestRuns::start().await;
    (runs.settings.max_queued_per_group, runs.settings.max_queued_per_project) = (1, 2);
    runs.create(&one_task()).await;
    runs.create(&one_task()).await;
    let refused = runs.try_create(new_run(project(7), &one_task())).await;
    assert_eq!(code(refused), "too_many_requests");
    let branch = |name: &str| {
        let group = format!("/project/{}/branch/{name}", project(7)).parse().unwrap();
        New { group, ..new_run(project(7), &one_task()) }
    };
    // The first of a group starts; the second is the project's second queued one.
    for _ in 0..2 {
        runs.try_create(branch("x")).await.unwrap();
    }
    assert_eq!(code(runs.try_create(branch("y")).await), "too_many_requests");
}

#[tokio::test]
async fn older_runs_give_way_to_a_newer_one() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 9).await;
    let running = runs.create(&one_task()).await;
    let waiting = runs.create(&one_task()).await;
    let attempt = runs.claim(executor).await.unwrap();
    let new = |on_newer| New { on_newer, ..new_run(project(7), &one_task()) };
    let newer = runs.try_create(new(OnNewer::CancelQueued)).await.unwrap();
    assert_eq!(runs.outcome(waiting.id).await, (Phase::Cancelled, RunResult::Unknown));
    let reason = runs.state(waiting.id).await.run.stop.map(|stop| stop.reason);
    assert_eq!(reason, Some(Reason::Superseded));
    assert_eq!(runs.outcome(running.id).await, (Phase::Running, RunResult::Unknown));
    let newest = runs.try_create(new(OnNewer::StopRunning)).await.unwrap();
    assert_eq!(runs.outcome(newer.id).await.0, Phase::Cancelled);
    assert_eq!(runs.outcome(running.id).await, (Phase::Running, RunResult::Stopped));
    assert_eq!(newest.phase, Phase::Queued);
    let stopped = json!({"phase": "stopped"});
    runs.report(executor, attempt.id, &stopped).await.unwrap();
    assert_eq!(runs.outcome(running.id).await, (Phase::Finished, RunResult::Stopped));
    assert_eq!(runs.outcome(newest.id).await.0, Phase::Running);
    // A run without attempts ends with the stop, and the newer one starts in the same commit.
    let last = runs.try_create(new(OnNewer::StopRunning)).await.unwrap();
    assert_eq!(last.phase, Phase::Running);
}

#[tokio::test]
async fn runs_are_stopped_and_cancelled() {
    let runs = TestRuns::start().await;
    let (first, second) = (runs.create(&one_task()).await, runs.create(&one_task()).await);
    let engine = runs.settings.engine.clone();
    let cancel = |run| {
        let engine = engine.clone();
        runs.act(move |tx| stop::cancel::<Cancel>(tx, &engine, run))
    };
    assert_eq!(code(cancel(first.id).await), "wrong_phase");
    cancel(second.id).await.unwrap();
    assert_eq!(code(cancel(second.id).await), "wrong_phase");
    let stop = |run| {
        let engine = engine.clone();
        runs.act(move |tx| stop::stop::<Stop>(tx, &engine, run))
    };
    stop(first.id).await.unwrap();
    assert_eq!(runs.outcome(first.id).await, (Phase::Finished, RunResult::Stopped));
    assert_eq!(code(stop(first.id).await), "wrong_phase");
    let nobody = drydock_api::runservice::types::RunId(super::harness::id(99));
    assert_eq!(code(stop(nobody).await), "run_not_exist");
}

#[tokio::test]
async fn a_task_is_approved_or_refused() {
    let runs = TestRuns::start().await;
    let run = runs.create(&json!({"a": {"steps": [], "approval": {}}})).await;
    let engine = runs.settings.engine.clone();
    let decide = |task: &str, who: &str, decision| {
        let engine = engine.clone();
        let decider = Decider { approver: who.to_owned(), comment: None };
        let task = task.parse().unwrap();
        runs.act(move |tx| decide::<Approve>(tx, &engine, run.id, &task, decision, &decider))
    };
    let before = runs.commits();
    decide("a", "alice", Decision::Approve).await.unwrap();
    decide("a", "alice", Decision::Approve).await.unwrap();
    assert_eq!(runs.commits() - before, 1, "the second one changes nothing");
    assert_eq!(code(decide("a", "bob", Decision::Refuse).await), "wrong_phase");
    assert_eq!(code(decide("x", "bob", Decision::Refuse).await), "task_not_exist");
    assert_eq!(runs.statuses(run.id).await, "a=ready");
}

#[tokio::test]
async fn queued_runs_pass_the_gate_at_its_rate() {
    let runs = TestRuns::start().await;
    runs.close_gate(60).await;
    let run = runs.create(&one_task()).await;
    assert_eq!(run.phase, Phase::Queued);
    let other = runs.try_create(new_run(project(8), &one_task())).await.unwrap();
    let engine = runs.settings.engine.clone();
    let start = || async {
        let now = runs.encryptor.env.now();
        let due = runs.read(move |tx| Ok(late::due(tx, now)?)).await;
        for run in due.startable {
            let engine = engine.clone();
            runs.act(move |tx| late::start::<Infallible>(tx, &engine, run)).await.unwrap();
        }
    };
    start().await;
    assert_eq!(runs.outcome(run.id).await.0, Phase::Queued);
    runs.pass(1);
    start().await;
    assert_eq!(runs.outcome(run.id).await.0, Phase::Running);
    assert_eq!(runs.outcome(other.id).await.0, Phase::Queued);
    // Opened, it lets everything through.
    runs.open_gate().await;
    start().await;
    assert_eq!(runs.outcome(other.id).await.0, Phase::Running);
}

#[tokio::test]
async fn a_new_run_does_not_overtake_one_that_waits_in_an_idle_group() {
    let runs = TestRuns::start().await;
    runs.close_gate(60).await;
    let first = runs.create(&one_task()).await;
    assert_eq!(first.phase, Phase::Queued);
    runs.open_gate().await;
    let second = runs.create(&one_task()).await;
    assert_eq!(second.phase, Phase::Queued);
    assert_eq!(runs.outcome(first.id).await.0, Phase::Running);
}

/// Behind a gate that has opened meanwhile, each that is cancelled would let the next one start.
#[tokio::test]
async fn all_queued_runs_give_way_to_a_new_one_whatever_could_start() {
    let runs = TestRuns::start().await;
    runs.close_gate(60).await;
    let older = [runs.create(&one_task()).await, runs.create(&one_task()).await];
    runs.pass(60);
    let newer = New { on_newer: OnNewer::CancelQueued, ..new_run(project(7), &one_task()) };
    let newer = runs.try_create(newer).await.unwrap();
    assert_eq!(newer.phase, Phase::Running);
    for run in older {
        assert_eq!(runs.outcome(run.id).await.0, Phase::Cancelled);
    }
}

#[tokio::test]
async fn the_environment_is_stored_encrypted() {
    let runs = TestRuns::start().await;
    runs.create(&one_task()).await;
    let (_, export) =
        runs.store.export(&drydock_core::context::Context::background()).await.unwrap();
    let bytes = futures_util::StreamExt::map(export, |chunk| chunk.unwrap().to_vec());
    let bytes: Vec<u8> = futures_util::StreamExt::concat(bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\"run_definitions\"") && !text.contains("s3cret"));
    for kind in ["run_counters", "runs", "tasks", "run_events"] {
        assert!(text.contains(&format!("\"type\":\"{kind}\"")), "{kind}: {text}");
    }
}

#[tokio::test]
async fn a_run_of_the_most_tasks_is_one_commit() {
    let runs = TestRuns::start().await;
    let task =
        |nth: usize| (format!("t{nth:03}"), json!({"steps": [{"run": {"command": "make"}}]}));
    let tasks = serde_json::Value::Object((0..256).map(task).collect());
    let before = runs.commits();
    let run = runs.create(&tasks).await;
    assert_eq!(runs.commits() - before, 1);
    let state = runs.state(run.id).await;
    assert_eq!(state.tasks.len(), 256);
    assert!(state.tasks.values().all(|task| task.status == TaskStatus::NotStarted));
    let bytes: usize =
        state.tasks.values().map(|task| serde_json::to_vec(task).unwrap().len()).sum();
    assert!(bytes < 200 * 1024, "{bytes} bytes of tasks");
}
