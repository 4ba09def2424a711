//! Archives of attempts: who restores them, in which order, and after a restart or a retry.

use std::time::Duration;

use drydock_tests::client::Request;
use drydock_tests::run::{pass, until};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::{Value, json};

use crate::runs_archives::{LONG, World, save, tasks, with_tasks, with_world};

#[test]
fn an_archive_is_for_the_executor_of_the_attempt_and_for_those_of_tasks_below_that_restore() {
    let make = json!({ "run": { "command": "make" } });
    let tasks = json!({
        "build": { "steps": [make, save()] },
        "plain": { "depends": ["build"], "steps": [make] },
        "watch": { "steps": [{ "restore": {} }] },
        "xtest": { "depends": ["build"], "steps": [{ "restore": {} }], "approval": {} },
    });
    with_tasks(&tasks, LONG, async |mut world| {
        world.runs.register("other").await;
        let other = world.runs.executor("other");
        let foreign = other.send(world.upload(1, "bytes", "bytes")).await;
        assert_eq!(foreign.outcome(), "404 attempt_not_exist");
        let no_save = world.linux.send(world.upload(0, "bytes", "bytes")).await;
        assert_eq!(no_save.outcome(), "400 bad_archive");
        let upload = world.upload(1, "bytes", "bytes");
        let stored = world.linux.send(upload).await.expect(200).json();
        let steps = json!([{ "exit": { "code": 0 } }, { "exit": { "code": 0 } }]);
        let end = json!({ "phase": "success", "steps": steps, "archives": { "1": stored } });
        world.linux.send(Request::put(&world.own(&world.attempt)).json(&end)).await.expect(200);
        let read = format!("{}/archives/1", world.own(&world.attempt));
        for name in ["plain", "watch"] {
            assert_eq!(world.claim().await["task"]["name"], name);
            let refused = world.linux.send(Request::get(&read)).await;
            assert_eq!(refused.outcome(), "404 attempt_not_exist", "{name} runs");
        }
        let approve = Request::post(&format!("{}/tasks/xtest/approve", world.run));
        world.runs.app.send(approve.json(&json!({ "approver": "alice" }))).await.expect(204);
        assert_eq!(world.claim().await["task"]["name"], "xtest");
        assert_eq!(world.linux.send(Request::get(&read)).await.text(), "bytes");
        let refused = other.send(Request::get(&read)).await;
        assert_eq!(refused.outcome(), "404 attempt_not_exist", "it runs elsewhere");
    });
}

#[test]
fn archives_of_a_task_are_restored_in_the_order_of_its_steps() {
    let steps: Vec<Value> = (0..11).map(|_| save()).collect();
    let restores = json!({ "depends": ["build"], "steps": [{ "restore": {} }] });
    let tasks = json!({ "build": { "steps": steps }, "test": restores });
    with_tasks(&tasks, LONG, async |mut world| {
        let (mut archives, mut exits) = (json!({}), Vec::new());
        for step in 0..11 {
            let upload = world.upload(step, "bytes", "bytes");
            archives[step.to_string()] = world.linux.send(upload).await.expect(200).json();
            exits.push(json!({ "exit": { "code": 0 } }));
        }
        let end = json!({ "phase": "success", "steps": exits, "archives": archives });
        world.linux.send(Request::put(&world.own(&world.attempt)).json(&end)).await.expect(200);
        // One is lost, and the others are not.
        let lost = world.objects().await.into_iter().find(|name| name.contains("/3-")).unwrap();
        let export = world.runs.app.export().await;
        world.runs.app.maintenance_on().await;
        let claimed = async |world: &mut World| {
            let claimed = world.claim().await;
            let restored = claimed["restore"].as_array().unwrap().iter();
            restored.map(|it| it["step"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        world.runs.app.send(Request::post("/api/v1/import").body(export.clone())).await.expect(200);
        world.runs.app.maintenance_off().await;
        let order = claimed(&mut world).await;
        assert_eq!(order, (0..11).map(|step| step.to_string()).collect::<Vec<_>>());
        world.runs.app.objects.delete(&Path::from(lost)).await.unwrap();
        world.runs.app.maintenance_on().await;
        world.runs.app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        world.runs.app.maintenance_off().await;
        until(async || world.task("test").await["status"] == "failed").await;
        for (step, outcome) in [(2, "200"), (3, "410 archive_expired"), (10, "200")] {
            let read = format!("{}/tasks/build/archives/{step}", world.run);
            assert_eq!(world.runs.app.get(&read).await.outcome(), outcome, "{step}");
        }
    });
}

#[test]
fn a_run_that_is_restarted_keeps_the_archives_of_what_it_does_not_run_again() {
    with_world(Duration::from_secs(120), async |mut world| {
        let stored = world.save("bytes").await;
        let test = world.claim().await["attempt"]["id"].as_str().unwrap().to_owned();
        let steps = json!([{ "exit": { "code": 1 } }]);
        let failed = json!({ "phase": "failed", "reason": "exit_code", "steps": steps });
        world.linux.send(Request::put(&world.own(&test)).json(&failed)).await.expect(200);
        let restart = json!({ "restart_of": world.run.rsplit('/').next(), "from": "failed" });
        let again = world.runs.app.send(Request::post("/api/v1/runs").json(&restart)).await;
        let again = again.expect(201).field("id");
        world.live(600).await;
        let claimed = world.claim().await;
        assert_eq!(claimed["restore"][0]["archive"], stored);
        let read = format!("{}/archives/0", world.own(&world.attempt));
        assert_eq!(world.linux.send(Request::get(&read)).await.text(), "bytes");
        let own = claimed["attempt"]["id"].as_str().unwrap();
        world.end(own, json!({})).await.expect(200);
        until(async || world.objects().await.is_empty()).await;
        let kept = format!("/api/v1/runs/{again}/tasks/build/archives/0");
        let kept = world.runs.app.get(&kept).await;
        assert!(["404", "410"].contains(&&kept.outcome()[..3]), "{kept}");
    });
}

#[test]
fn what_a_task_has_saved_before_it_was_tried_again_is_not_missed() {
    let mut tasks = tasks();
    tasks["build"]["steps"] = json!([save(), { "run": { "command": "make" } }]);
    tasks["build"]["retry"] = json!({ "max": 1 });
    with_tasks(&tasks, LONG, async |mut world| {
        let (ok, bad) = (json!({ "exit": { "code": 0 } }), json!({ "exit": { "code": 1 } }));
        let upload = world.upload(0, "first", "first");
        let first = world.linux.send(upload).await.expect(200).json();
        let end = json!({
            "phase": "failed", "reason": "exit_code", "steps": [ok, bad],
            "archives": { "0": first },
        });
        world.linux.send(Request::put(&world.own(&world.attempt)).json(&end)).await.expect(200);
        let first = world.objects().await;
        world.live(60).await;
        world.attempt = world.claim().await["attempt"]["id"].as_str().unwrap().to_owned();
        let upload = world.upload(0, "again", "again");
        let again = world.linux.send(upload).await.expect(200).json();
        let end = json!({ "phase": "success", "steps": [ok, ok], "archives": { "0": again } });
        world.linux.send(Request::put(&world.own(&world.attempt)).json(&end)).await.expect(200);
        let export = world.runs.app.export().await;
        world.runs.app.maintenance_on().await;
        world.runs.app.objects.delete(&Path::from(first[0].clone())).await.unwrap();
        world.runs.app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        world.runs.app.maintenance_off().await;
        pass(Duration::from_secs(300)).await;
        let gone = world.runs.app.get(&format!("{}?attempt=1", world.archive())).await;
        assert_eq!(gone.outcome(), "410 archive_expired");
        assert_eq!(world.claim().await["restore"][0]["archive"], again);
    });
}
