//! What runservice refuses, route by route.

use drydock_runservice::{Runservice, Settings};
use drydock_tests::app::{TestApp, settings};
use drydock_tests::archive::Export;
use drydock_tests::client::{Exchange, Request};
use drydock_tests::run::run;
use drydock_tests::runs::{RunsApp, new_run, success, upload_query, with_runs, with_work};
use insta::assert_snapshot;
use serde_json::{Value, json};

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";
const ALICE: &str = r#"{"approver":"alice"}"#;

async fn ask(runs: &RunsApp, method_and_path: &str, body: &str) -> Exchange {
    let (method, path) = method_and_path.split_once(' ').expect("a method and a path");
    let method = method.parse().expect("this is a method");
    let request = Request::new(method, &runs.path(&format!("/api/v1{path}")));
    let request = match body {
        "" => request,
        body => request.header("content-type", "application/json").body(body.to_owned()),
    };
    match path.starts_with("/executors/self") {
        true => runs.executor("linux").send(request).await,
        false => runs.app.send(request).await,
    }
}

async fn refused(runs: &RunsApp, line: &str, body: &str, outcome: &str) -> Exchange {
    let answer = ask(runs, line, body).await;
    assert_eq!(answer.outcome(), outcome, "{answer}");
    answer
}

#[test]
fn what_does_not_exist() {
    with_work(async |runs| {
        let nobody = format!("GET /runs/{NOBODY}");
        let answer = refused(&runs, &nobody, "", "404 run_not_exist").await;
        assert_snapshot!("run_not_exist", answer);
        let restart = json!({ "restart_of": NOBODY, "from": "start" }).to_string();
        assert_snapshot!(
            "restart_of_nothing",
            refused(&runs, "POST /runs", &restart, "404 run_not_exist").await
        );
        let line = "POST /runs/{run}/tasks/nothing/approve";
        let answer = refused(&runs, line, ALICE, "404 task_not_exist").await;
        assert_snapshot!("task_not_exist", answer);
        let answer = refused(&runs, "GET /executors/nobody", "", "404 executor_not_exist").await;
        assert_snapshot!("executor_not_exist", answer);
        let own = format!("GET /executors/self/attempts/{NOBODY}");
        let answer = refused(&runs, &own, "", "404 attempt_not_exist").await;
        assert_snapshot!("attempt_not_exist", answer);
    });
}

#[test]
fn what_comes_at_the_wrong_time() {
    with_work(async |runs| {
        let running = "POST /runs/{run}/cancel".replace("{run}", runs.name("{run}"));
        assert_snapshot!(
            "cancel_of_a_running_run",
            refused(&runs, &running, "", "409 wrong_phase").await
        );
        let restart = json!({ "restart_of": runs.name("{run}"), "from": "start" }).to_string();
        assert_snapshot!(
            "run_not_restartable",
            refused(&runs, "POST /runs", &restart, "400 run_not_restartable").await
        );
        let approve = "POST /runs/{run}/tasks/deploy/approve";
        let refuse = "POST /runs/{run}/tasks/deploy/refuse";
        ask(&runs, approve, ALICE).await.expect(204);
        ask(&runs, approve, ALICE).await.expect(204);
        let late = refused(&runs, refuse, ALICE, "409 wrong_phase").await;
        assert_snapshot!("refused_after_approval", late);
        let bob = r#"{"approver":"bob"}"#;
        let late = refused(&runs, approve, bob, "409 wrong_phase").await;
        assert_snapshot!("approved_twice", late);
    });
    with_runs(async |mut runs| {
        let done = json!({ "tasks": {}, "project": drydock_tests::runs::PROJECT, "name": "x" });
        let done = runs.create(&done).await;
        assert_eq!(done.json()["phase"], "setup_error", "{done}");
        runs.register("linux").await;
        let stop = format!("POST /runs/{}/stop", done.field("id"));
        let answer = refused(&runs, &stop, "", "409 wrong_phase").await;
        assert_snapshot!("stop_of_a_final_run", answer);
    });
}

#[test]
fn an_executor_that_is_not_the_newest_of_its_kind() {
    with_work(async |runs| {
        let beat = |session: u64| json!({ "session": session, "limit": 4 }).to_string();
        let claim = |session: u64| json!({ "claim": NOBODY, "session": session }).to_string();
        let claims = "POST /executors/self/claims";
        assert_snapshot!(
            "executor_unknown",
            refused(&runs, claims, &claim(2), "409 executor_unknown").await
        );
        ask(&runs, "PUT /executors/self", &beat(3)).await.expect(200);
        assert_snapshot!(
            "session_replaced",
            refused(&runs, "PUT /executors/self", &beat(2), "409 session_replaced").await
        );
        assert_snapshot!(
            "claim_of_an_old_session",
            refused(&runs, claims, &claim(1), "409 session_replaced").await
        );
        let again = json!({ "name": "idle" }).to_string();
        assert_snapshot!(
            "executor_already_exists",
            refused(&runs, "POST /executors", &again, "409 executor_already_exists").await
        );
    });
}

/// Statuses that no executor which works could send, after which nothing has changed.
#[test]
fn a_status_that_cannot_be_true() {
    with_work(async |runs| {
        let report = "PUT /executors/self/attempts/{attempt}";
        let before = runs.app.export().await;
        let shown = refused(&runs, report, r#"{"phase":"success"}"#, "400 bad_status").await;
        assert_snapshot!("bad_status", shown);
        let exit = |exit: Value| json!([{ "exit": exit }]);
        let good = exit(json!({ "code": 0 }));
        let log = json!({ "size": 1, "blake3": "00" });
        for status in [
            json!({ "phase": "running", "steps": good }),
            json!({ "phase": "stopped", "steps": good }),
            json!({ "phase": "success", "steps": exit(json!({ "code": 1 })) }),
            json!({ "phase": "success", "steps": [good[0], good[0]] }),
            json!({ "phase": "failed", "steps": good }),
            json!({ "phase": "failed", "reason": "executor_lost", "steps": good }),
            json!({ "phase": "failed", "reason": "exit_code", "steps": good }),
            json!({ "phase": "success", "steps": good, "logs": { "99": log } }),
            json!({ "phase": "success", "steps": good, "logs": { "0": log } }),
            json!({ "phase": "success", "steps": good, "archives": { "0": {
                "object": "../x", "size": 1, "blake3": "00" } } }),
        ] {
            refused(&runs, report, &status.to_string(), "400 bad_status").await;
        }
        let lines = |export: &str| Export::parse(export).objects;
        assert_eq!(lines(&runs.app.export().await), lines(&before));
    });
}

#[test]
fn an_attempt_that_has_ended_takes_no_other_end_and_no_claim() {
    with_work(async |runs| {
        let report = "PUT /executors/self/attempts/{attempt}";
        ask(&runs, report, &success().to_string()).await.expect(200);
        let other = r#"{"phase":"failed","reason":"timeout"}"#;
        let late = refused(&runs, report, other, "409 stale_attempt").await;
        assert_snapshot!("stale_attempt", late);
        let claim = json!({ "claim": "01900000-0000-7000-8000-0000000000c1", "session": 1 });
        let claims = "POST /executors/self/claims";
        let late = refused(&runs, claims, &claim.to_string(), "409 stale_attempt").await;
        assert_snapshot!("claim_of_an_ended_attempt", late);
    });
}

#[test]
fn a_queue_has_an_end() {
    run(async {
        let mut app = TestApp::new();
        let short = Settings { max_queued_per_group: 1, ..Settings::default() };
        app.add_service(Runservice::new(short), settings()).await;
        app.ready().await;
        let runs = RunsApp::of(app);
        runs.create(&new_run()).await;
        runs.create(&new_run()).await;
        let full = ask(&runs, "POST /runs", &new_run().to_string()).await;
        assert_snapshot!("too_many_queued_runs", full);
    });
}

/// The archive of `build` is gone, as after the import of an old export.
#[test]
fn a_restart_that_could_not_work() {
    with_runs(async |mut runs| {
        runs.register("linux").await;
        let tasks = json!({
            "build": { "steps": [{ "save": { "paths": ["x"] } }] },
            "test": { "steps": [{ "restore": {} }], "depends": ["build"] },
        });
        let mut new = new_run();
        new["tasks"] = tasks;
        let run = runs.create(&new).await.field("id");
        let report = async |claim: &str, status: &dyn Fn(Value) -> Value| {
            let claimed = runs.claim("linux", claim).await.expect(201).json();
            let attempt = claimed["attempt"]["id"].as_str().expect("it has one").to_owned();
            let line = format!("PUT /executors/self/attempts/{attempt}");
            let path = format!("/api/v1/executors/self/attempts/{attempt}/archives/0");
            let upload = Request::put(&(path + &upload_query("x"))).body("x");
            let stored = runs.executor("linux").send(upload).await.json();
            ask(&runs, &line, &status(stored).to_string()).await.expect(200);
        };
        let saved = |archive: Value| {
            let steps = json!([{ "exit": { "code": 0 } }]);
            json!({ "phase": "success", "steps": steps, "archives": { "0": archive } })
        };
        report("01900000-0000-7000-8000-0000000000c1", &saved).await;
        let failed = |_: Value| json!({ "phase": "failed", "reason": "setup_failed" });
        report("01900000-0000-7000-8000-0000000000c2", &failed).await;
        let mut export = Export::parse(&runs.app.export().await);
        for line in &mut export.objects {
            let mut object: Value = serde_json::from_str(line).expect("a line is JSON");
            if object["type"] == "tasks" && object["data"]["name"] == "build" {
                object["data"]["archives_missing"] = json!(true);
                *line = object.to_string();
            }
        }
        runs.app.maintenance_on().await;
        let import = Request::post("/api/v1/import").body(export.seal());
        runs.app.send(import).await.expect(200);
        runs.app.maintenance_off().await;
        let restart = json!({ "restart_of": run, "from": "failed" }).to_string();
        let answer = refused(&runs, "POST /runs", &restart, "409 archives_expired").await;
        assert_snapshot!("archives_expired", answer);
    });
}
