//! Runs and executors, when all goes well.

use drydock_tests::client::Request;
use drydock_tests::runs::{PROJECT, new_run, success, with_runs, with_work};
use insta::assert_snapshot;
use serde_json::json;

#[test]
fn a_run_is_created_shown_and_listed() {
    with_runs(async |runs| {
        let mut new = new_run();
        new["environment"] = json!({ "TOKEN": "the plain value" });
        let created = runs.create(&new).await;
        assert_snapshot!("created", created);
        let path = format!("/api/v1/runs/{}", created.field("id"));
        assert_eq!(created.header("location"), Some(&*path));
        let shown = runs.app.get(&path).await.expect(200);
        assert_eq!((shown.json(), shown.header("etag")), (created.json(), created.header("etag")));
        let number = format!("/api/v1/runs/by_number?project={PROJECT}&number=1");
        assert_eq!(runs.app.get(&number).await.json(), created.json());
        runs.create(&new_run()).await;
        assert_snapshot!("listed", runs.app.get("/api/v1/runs?limit=1&phase=queued").await);
        assert!(!runs.app.export().await.contains("the plain value"), "it is stored encrypted");
    });
}

#[test]
fn tasks_that_do_not_fit_together_make_a_run_with_the_errors() {
    with_runs(async |runs| {
        let mut cycle = new_run();
        cycle["tasks"] = json!({
            "a": { "steps": [], "depends": ["b"] },
            "b": { "steps": [], "depends": ["a", "c"] },
        });
        assert_snapshot!("setup_error", runs.create(&cycle).await);
    });
}

#[test]
fn an_executor_gets_a_task_and_reports_its_end() {
    with_runs(async |mut runs| {
        assert_snapshot!("registered", runs.register("linux").await);
        let mut new = new_run();
        new["environment"] = json!({ "TOKEN": "the plain value" });
        let run = runs.create(&new).await.field("id");
        let claim = "01900000-0000-7000-8000-0000000000c1";
        let claimed = runs.claim("linux", claim).await;
        assert_snapshot!("claimed", claimed);
        assert_eq!(runs.claim("linux", claim).await.json(), claimed.json(), "the same again");
        let attempt = claimed.json()["attempt"]["id"].as_str().expect("it has one").to_owned();
        let path = format!("/api/v1/executors/self/attempts/{attempt}");
        let held = json!({ "attempt": attempt, "state": "spawned" });
        let nobodys = json!({ "attempt": claim, "state": "spawned" });
        let beat = json!({ "session": 1, "limit": 4, "held": [held, nobodys] });
        let linux = runs.executor("linux");
        assert_snapshot!(
            "heartbeat",
            linux.send(Request::put("/api/v1/executors/self").json(&beat)).await
        );
        assert_snapshot!("attempt", linux.send(Request::get(&path)).await);
        let report = Request::put(&path).json(&success());
        assert_snapshot!("reported", linux.send(report.clone()).await);
        linux.send(report).await.expect(200);
        let approve = format!("/api/v1/runs/{run}/tasks/deploy/approve");
        let approve = Request::post(&approve).json(&json!({ "approver": "alice" }));
        runs.app.send(approve).await.expect(204);
        assert_snapshot!("half_done", runs.app.get(&format!("/api/v1/runs/{run}")).await);
    });
}

#[test]
fn a_stopped_run_is_told_to_its_executor() {
    with_work(async |runs| {
        let stop = Request::post(&format!("/api/v1/runs/{}/stop", runs.name("{run}")));
        runs.app.send(stop).await.expect(204);
        let held = json!({ "attempt": runs.name("{attempt}"), "state": "spawned" });
        let beat = json!({ "session": 1, "limit": 4, "held": [held] });
        let beat = Request::put("/api/v1/executors/self").json(&beat);
        assert_snapshot!("heartbeat_stop", runs.executor("linux").send(beat).await);
    });
}

#[test]
fn executors_are_listed_and_changed() {
    with_work(async |runs| {
        assert_snapshot!("executors", runs.app.get("/api/v1/executors").await);
        let drain = Request::put("/api/v1/executors/linux").json(&json!({ "drain": true }));
        assert_snapshot!("drained", runs.app.send(drain).await);
        let beat = Request::put("/api/v1/executors/self");
        let beat = beat.json(&json!({ "session": 1, "limit": 4 }));
        let told = runs.executor("linux").send(beat).await.expect(200);
        assert_eq!(told.json()["drain"], true);
        runs.app.send(Request::delete("/api/v1/executors/linux")).await.expect(204);
        let run = runs.app.get(&format!("/api/v1/runs/{}", runs.name("{run}"))).await;
        let tasks = run.json()["tasks"].clone();
        let build = tasks.as_object().into_iter().flatten().map(|(_, task)| task);
        let build = build.clone().find(|task| task["name"] == "build").expect("it is there");
        assert_eq!(
            (&build["status"], &build["reason"]),
            (&json!("failed"), &json!("executor_lost"))
        );
    });
}
