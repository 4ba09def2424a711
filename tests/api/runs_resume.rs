//! What becomes of work after maintenance, an import and a recovery: attempts are reconciled with
//! what executors hold, and queued runs start through the resume gate.

use std::time::Duration;

use drydock_runservice::{Runservice, Settings};
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::{Exchange, Request};
use drydock_tests::faulty::Trouble;
use drydock_tests::run::run;
use drydock_tests::runs::{OTHER_CLAIM, RunsApp, new_run, success, with_runs, with_work};
use insta::assert_snapshot;
use serde_json::{Value, json};

const GATE: &str = "/api/v1/gates/resume";

async fn pass(seconds: u64) {
    drydock_tests::run::pass(Duration::from_secs(seconds)).await;
}

/// Maintenance, in which nothing happens.
async fn through_maintenance(runs: &RunsApp) {
    runs.app.maintenance_on().await;
    runs.app.maintenance_off().await;
    pass(2).await;
}

/// Maintenance, in which this export is imported.
async fn through_import(runs: &RunsApp, export: &str) {
    runs.app.maintenance_on().await;
    let import = Request::post("/api/v1/import").body(export.to_owned());
    runs.app.send(import).await.expect(200);
    runs.app.maintenance_off().await;
    pass(2).await;
}

/// A heartbeat of `linux` that says what it holds, each attempt with its state.
async fn beat(runs: &RunsApp, held: &[(&str, &str)], asked: &[&str]) -> Value {
    let held = held.iter().map(|(attempt, state)| json!({ "attempt": attempt, "state": state }));
    let held: Vec<_> = held.collect();
    let body = json!({ "session": 1, "limit": 4, "held": held, "asked": asked });
    let beat = Request::put("/api/v1/executors/self").json(&body);
    runs.executor("linux").send(beat).await.expect(200).json()
}

/// A heartbeat of `linux` that holds nothing, and has not kept the result of an attempt.
async fn forgotten(runs: &RunsApp, session: u64, attempt: &str) -> Value {
    let body = json!({ "session": session, "limit": 4, "forgotten": [attempt] });
    let beat = Request::put("/api/v1/executors/self").json(&body);
    runs.executor("linux").send(beat).await.expect(200).json()
}

async fn reconciliation(runs: &RunsApp) -> Value {
    runs.app.get(GATE).await.expect(200).json()["reconciliation"].clone()
}

/// The task with this name of the run with an attempt.
async fn task(runs: &RunsApp, name: &str) -> Value {
    let run = runs.app.get(&format!("/api/v1/runs/{}", runs.name("{run}"))).await.expect(200);
    let tasks = run.json()["tasks"].as_object().cloned().unwrap_or_default();
    tasks.into_iter().map(|(_, task)| task).find(|task| task["name"] == name).expect("it is there")
}

/// What is new since everything was zero.
fn counts(of: &Value) -> Vec<String> {
    let fields = of.as_object().into_iter().flatten();
    let told = fields
        .filter(|(_, value)| **value != json!(0))
        .map(|(key, value)| format!("{key} {value}"));
    told.collect()
}

#[test]
fn work_goes_on_after_maintenance_once_its_executor_has_said_so() {
    with_work(async |runs| {
        assert_snapshot!("gate_before_maintenance", runs.app.get(GATE).await);
        // Longer than the attempt may take: its executor could not report its end.
        runs.app.maintenance_on().await;
        pass(40 * 60).await;
        runs.app.maintenance_off().await;
        pass(60).await;
        assert_snapshot!("gate_while_reconciling", runs.app.get(GATE).await);
        let approve = format!("/api/v1/runs/{}/tasks/deploy/approve", runs.name("{run}"));
        let approve = Request::post(&approve).json(&json!({ "approver": "alice" }));
        runs.app.send(approve).await.expect(204);
        runs.claim("linux", OTHER_CLAIM).await.expect(204);
        beat(&runs, &[(runs.name("{attempt}"), "spawned")], &[]).await;
        assert_eq!(counts(&reconciliation(&runs).await), ["adopted 1", "done true"]);
        runs.claim("linux", OTHER_CLAIM).await.expect(201);
        // It has a minute from now.
        pass(50).await;
        let path = format!("/api/v1/executors/self/attempts/{}", runs.name("{attempt}"));
        let report = Request::put(&path).json(&success());
        let done = runs.executor("linux").send(report).await.expect(200);
        assert_eq!(done.json()["phase"], "success");
    });
}

#[test]
fn what_executors_hold_decides_after_an_import() {
    with_work(async |runs| {
        let export = runs.app.export().await;
        let attempt = runs.name("{attempt}").to_owned();
        // The executor has ended it, and keeps the result.
        through_import(&runs, &export).await;
        beat(&runs, &[(&attempt, "exited")], &[]).await;
        assert_eq!(counts(&reconciliation(&runs).await), ["done true", "results_taken 1"]);
        let path = format!("/api/v1/executors/self/attempts/{attempt}");
        let report = Request::put(&path).json(&success());
        runs.executor("linux").send(report.clone()).await.expect(200);
        assert_eq!(task(&runs, "build").await["status"], "success");
        // The same import once more: the result is sent before a heartbeat.
        through_import(&runs, &export).await;
        assert_eq!(task(&runs, "build").await["status"], "running");
        let again = report.clone();
        runs.executor("linux").send(report).await.expect(200);
        assert_eq!(counts(&reconciliation(&runs).await), ["done true", "results_taken 1"]);
        // Its executor has let go of it, and has kept the result.
        through_import(&runs, &export).await;
        assert_eq!(beat(&runs, &[], &[]).await["recall"], json!([attempt]));
        assert_eq!(counts(&reconciliation(&runs).await), ["done false", "left 1"]);
        runs.executor("linux").send(again).await.expect(200);
        assert_eq!(counts(&reconciliation(&runs).await), ["done true", "results_taken 1"]);
        assert_eq!(beat(&runs, &[], &[]).await["recall"], json!([]));
        // Its executor has nothing of it.
        through_import(&runs, &export).await;
        let answer = forgotten(&runs, 1, &attempt).await;
        assert_eq!(answer["recall"], json!([]));
        assert_eq!(counts(&reconciliation(&runs).await), ["done true", "lost_in_restore 1"]);
        let lost = task(&runs, "build").await;
        assert_eq!(
            (&lost["status"], &lost["reason"]),
            (&json!("failed"), &json!("lost_in_restore"))
        );
        // It was asked for, and the answer was lost: the same claim gets the same attempt.
        through_import(&runs, &export).await;
        let claim = "01900000-0000-7000-8000-0000000000c1";
        beat(&runs, &[], &[claim]).await;
        assert_eq!(counts(&reconciliation(&runs).await), ["done false", "left 1"]);
        let again = runs.claim("linux", claim).await.expect(201).json();
        assert_eq!(again["attempt"]["id"], json!(attempt));
        assert_eq!(counts(&reconciliation(&runs).await), ["adopted 1", "done true"]);
    });
}

/// Reports the end of the attempt of `build`.
async fn report(runs: &RunsApp, status: &Value) -> Exchange {
    let path = format!("/api/v1/executors/self/attempts/{}", runs.name("{attempt}"));
    runs.executor("linux").send(Request::put(&path).json(status)).await
}

#[test]
fn what_was_stopped_before_an_import_is_final_and_not_tried_again() {
    let stopped = json!({ "phase": "stopped", "steps": [{ "exit": { "code": 143 } }] });
    let killed = json!({ "phase": "failed", "reason": "lost_in_restore", "steps": [{}] });
    with_work(async |runs| {
        // Nobody has stopped it, neither before nor after maintenance.
        assert_eq!(report(&runs, &stopped).await.outcome(), "400 bad_status");
        through_maintenance(&runs).await;
        assert_eq!(report(&runs, &stopped).await.outcome(), "400 bad_status");
        assert_eq!(report(&runs, &killed).await.outcome(), "400 bad_status");
        let export = runs.app.export().await;
        let stop = format!("/api/v1/runs/{}/stop", runs.name("{run}"));
        // It reports before a heartbeat, after one that still held it, and after its release.
        let attempt = runs.name("{attempt}").to_owned();
        for held in [None, Some("spawned"), Some("exited"), Some("")] {
            runs.app.send(Request::post(&stop)).await.expect(204);
            through_import(&runs, &export).await;
            assert_eq!(task(&runs, "build").await["status"], "running");
            match held {
                None => {}
                Some("") => assert_eq!(beat(&runs, &[], &[]).await["recall"], json!([attempt])),
                Some(state) => drop(beat(&runs, &[(&attempt, state)], &[]).await),
            }
            for _ in 0..2 {
                let ended = report(&runs, &stopped).await.expect(200).json();
                assert_eq!(ended["phase"], "stopped", "{held:?}");
                assert_eq!(ended["reason"], "lost_in_restore", "{held:?}");
            }
            let build = task(&runs, "build").await;
            assert_eq!(
                (&build["status"], &build["attempt"]["number"]),
                (&json!("stopped"), &json!(1))
            );
            let run = runs.app.get(&format!("/api/v1/runs/{}", runs.name("{run}"))).await;
            assert_eq!(run.json()["result"], "stopped");
            runs.claim("linux", OTHER_CLAIM).await.expect(204);
        }
        // A state in which it did not exist yet let its executor kill it.
        through_import(&runs, &export).await;
        let ended = report(&runs, &killed).await.expect(200).json();
        assert_eq!((&ended["phase"], &ended["reason"]), (&killed["phase"], &killed["reason"]));
    });
}

#[test]
fn what_a_restarted_executor_has_forgotten_since_an_import_may_have_run() {
    with_work(async |runs| {
        let export = runs.app.export().await;
        through_import(&runs, &export).await;
        forgotten(&runs, 2, runs.name("{attempt}")).await;
        assert_eq!(counts(&reconciliation(&runs).await), ["done true", "lost_in_restore 1"]);
        assert_eq!(task(&runs, "build").await["reason"], "lost_in_restore");
    });
}

#[test]
fn what_the_state_does_not_know_is_ended_at_its_executor() {
    with_runs(async |mut runs| {
        runs.register("linux").await;
        let export = runs.app.export().await;
        let run = runs.create(&new_run()).await.field("id");
        let claimed = runs.claim("linux", OTHER_CLAIM).await.expect(201).json();
        let attempt = claimed["attempt"]["id"].as_str().expect("it has one").to_owned();
        through_import(&runs, &export).await;
        runs.app.get(&format!("/api/v1/runs/{run}")).await.expect(404);
        for _ in 0..2 {
            let told = beat(&runs, &[(&attempt, "spawned")], &[]).await;
            assert_eq!(told["unknown"], json!([attempt]));
            assert_eq!(counts(&reconciliation(&runs).await), ["done true", "unknown 1"]);
        }
    });
}

#[test]
fn a_silent_executor_is_lost_only_when_somebody_could_have_heard_it() {
    with_work(async |runs| {
        through_maintenance(&runs).await;
        pass(100).await;
        // For a while nobody could.
        runs.app.coordination.trouble.set(Trouble::Refused);
        pass(15).await;
        runs.app.coordination.trouble.set(Trouble::None);
        pass(110).await;
        assert_eq!(counts(&reconciliation(&runs).await), ["done false", "left 1"]);
        assert_eq!(task(&runs, "build").await["status"], "running");
        pass(20).await;
        assert_eq!(counts(&reconciliation(&runs).await), ["done true", "executor_lost 1"]);
        let lost = task(&runs, "build").await;
        assert_eq!((&lost["status"], &lost["reason"]), (&json!("failed"), &json!("executor_lost")));
        let told = beat(&runs, &[(runs.name("{attempt}"), "spawned")], &[]).await;
        assert_eq!(told["unknown"], json!([runs.name("{attempt}")]));
    });
}

/// Two instances whose gate lets one run start in a minute.
async fn two() -> RunsApp {
    let mut app = TestApp::new();
    for _ in 0..2 {
        let mut slow = Settings::default();
        slow.engine.resume_per_minute = 1;
        app.add_service(Runservice::new(slow), settings()).await;
        app.ready().await;
    }
    RunsApp::of(app)
}

async fn create_in(runs: &RunsApp, branch: usize) -> Exchange {
    let mut new = new_run();
    let project = new["project"].as_str().expect("it has one").to_owned();
    new["group"] = json!(format!("/project/{project}/branch/{branch}"));
    runs.create(&new).await
}

async fn running(runs: &RunsApp) -> usize {
    let list = runs.app.get("/api/v1/runs?limit=100&phase=running").await.expect(200).json();
    list["items"].as_array().map_or(0, Vec::len)
}

#[test]
fn queued_runs_start_a_few_at_a_time_over_all_instances() {
    run(async {
        let runs = two().await;
        through_maintenance(&runs).await;
        // As soon as nothing is queued, nothing is held back.
        create_in(&runs, 0).await;
        assert_eq!(running(&runs).await, 1);
        let export = runs.app.export().await;
        for branch in 1..5 {
            create_in(&runs, branch).await;
        }
        assert_eq!(running(&runs).await, 5);
        // Runs that were running are; those that come now wait.
        through_import(&runs, &export).await;
        runs.app.maintenance_on().await;
        runs.app.send(Request::delete("/api/v1/maintenance")).await.expect(204);
        runs.app.ready().await;
        let first = create_in(&runs, 1).await;
        assert_eq!(first.json()["phase"], "queued", "its commit makes the gate");
        pass(2).await;
        let first = runs.app.get(&format!("/api/v1/runs/{}", first.field("id"))).await;
        let tasks = first.json()["tasks"].as_object().cloned().unwrap_or_default();
        assert!(
            tasks.values().all(|task| task["waiting_for"] == json!({ "for": "gate" })),
            "{first}"
        );
        for branch in 2..5 {
            assert_eq!(create_in(&runs, branch).await.json()["phase"], "queued");
        }
        assert_eq!(running(&runs).await, 1);
        for minute in 1..3 {
            pass(61).await;
            assert_eq!(running(&runs).await, 1 + minute, "minute {minute}");
        }
        assert_eq!(runs.app.get(GATE).await.json()["taken"], 2);
        runs.app.send(Request::delete(GATE)).await.expect(204);
        pass(3).await;
        assert_eq!(running(&runs).await, 5);
        assert_eq!(runs.app.get(GATE).await.json()["open"], true);
    });
}
