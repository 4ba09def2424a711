//! Executors that are heard, and executors that are lost.

use std::time::Duration;

use drydock_runservice::Runservice;
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::Request;
use drydock_tests::faulty::Trouble;
use drydock_tests::run::run;
use drydock_tests::runs::{RunsApp, new_run, success, with_work};
use serde_json::{Value, json};

async fn pass(seconds: u64) {
    drydock_tests::run::pass(Duration::from_secs(seconds)).await;
}

/// A heartbeat of `linux` that says nothing new, at the instance with this number.
async fn beat_at(runs: &RunsApp, number: usize) -> Value {
    let held = json!({ "attempt": runs.name("{attempt}"), "state": "spawned" });
    let body = json!({ "session": 1, "limit": 4, "held": [held] });
    let beat = Request::put("/api/v1/executors/self").json(&body);
    runs.executor_at(number, "linux").send(beat).await.expect(200).json()
}

/// Status and reason of the task that `linux` works on.
async fn build(runs: &RunsApp) -> String {
    let run = runs.app.get(&format!("/api/v1/runs/{}", runs.name("{run}"))).await.expect(200);
    let tasks = run.json()["tasks"].as_object().cloned().unwrap_or_default();
    let task = tasks.values().find(|task| task["name"] == "build").expect("it is there").clone();
    let text = |field: &str| task[field].as_str().unwrap_or_default().to_owned();
    format!("{} {}", text("status"), text("reason")).trim().to_owned()
}

#[test]
fn an_executor_that_is_heard_is_never_lost_and_its_heartbeats_are_no_commits() {
    with_work(async |runs| {
        beat_at(&runs, 1).await;
        let position =
            async || runs.app.get("/api/v1/maintenance").await.json()["position"].clone();
        let before = position().await;
        for _ in 0..120 {
            pass(5).await;
            let told = beat_at(&runs, 1).await;
            assert_eq!(told["lost_after_ms"], 60_000);
        }
        assert_eq!(build(&runs).await, "running");
        assert_eq!(position().await, before);
    });
}

#[test]
fn a_silent_executor_is_lost_in_bounded_time_and_its_group_goes_on() {
    with_work(async |runs| {
        beat_at(&runs, 1).await;
        pass(59).await;
        assert_eq!(build(&runs).await, "running");
        pass(22).await;
        assert_eq!(build(&runs).await, "failed executor_lost");
        let told = beat_at(&runs, 1).await;
        assert_eq!(told["unknown"], json!([runs.name("{attempt}")]));
        let path = format!("/api/v1/executors/self/attempts/{}", runs.name("{attempt}"));
        let late = runs.executor("linux").send(Request::put(&path).json(&success())).await;
        assert_eq!(late.outcome(), "409 stale_attempt");
        let stop = format!("/api/v1/runs/{}/stop", runs.name("{run}"));
        runs.app.send(Request::post(&stop)).await.expect(204);
        let queued = runs.app.get("/api/v1/runs?phase=running").await.json();
        assert_eq!(queued["items"].as_array().map(Vec::len), Some(1), "the next one runs");
    });
}

#[test]
fn silence_counts_only_while_an_instance_could_hear() {
    with_work(async |runs| {
        beat_at(&runs, 1).await;
        pass(40).await;
        runs.app.coordination.trouble.set(Trouble::Refused);
        pass(30).await;
        runs.app.coordination.trouble.set(Trouble::None);
        // Its key has expired, and nobody was there to hear it.
        pass(50).await;
        assert_eq!(build(&runs).await, "running");
        beat_at(&runs, 1).await;
        pass(50).await;
        assert_eq!(build(&runs).await, "running");
        pass(30).await;
        assert_eq!(build(&runs).await, "failed executor_lost");
    });
}

#[test]
fn maintenance_is_no_silence() {
    with_work(async |runs| {
        beat_at(&runs, 1).await;
        runs.app.maintenance_on().await;
        pass(1800).await;
        runs.app.maintenance_off().await;
        pass(50).await;
        beat_at(&runs, 1).await;
        pass(50).await;
        assert_eq!(build(&runs).await, "running");
    });
}

#[test]
fn an_executor_may_go_from_one_instance_to_the_other_and_back() {
    run(async {
        let mut app = TestApp::new();
        for _ in 0..2 {
            app.add_service(Runservice::default(), settings()).await;
            app.ready().await;
        }
        let mut runs = RunsApp::of(app);
        runs.work().await;
        // The lease of the one expires while it renews the key of the other, if it does not look.
        for number in [1, 2, 1, 1, 1, 2, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 2, 2, 2, 2, 2, 1, 1] {
            for _ in 0..4 {
                beat_at(&runs, number).await;
                pass(5).await;
            }
            assert_eq!(build(&runs).await, "running");
        }
        assert_eq!(runs.create(&new_run()).await.json()["phase"], "queued");
    });
}
