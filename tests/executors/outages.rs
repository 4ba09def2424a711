//! Services that are away, in maintenance, or that do not know the executor any more.

use std::time::Duration;

use drydock_api::runservice::types::Reason;
use drydock_executor::driver::Driver;
use drydock_tests::client::Request;
use drydock_tests::run::pass;
use serde_json::json;

use crate::machine::{exit, stopped};
use crate::world::{one_step, with_world};

const EXCLUSIVE: &str = r#"{"deploy": {"steps": [{"run": {"command": "x"}}], "exclusive": true}}"#;

#[test]
fn work_goes_on_through_an_hour_of_maintenance() {
    with_world(async |mut world| {
        let run = world.create(serde_json::from_str(EXCLUSIVE).unwrap()).await;
        let executor = world.start();
        let attempt = world.started(1).await;
        world.app.maintenance_on().await;
        pass(Duration::from_secs(1800)).await;
        world.machine.end(&attempt, exit(0));
        pass(Duration::from_secs(1000)).await;
        assert_eq!(world.machine.stop(&attempt), None, "no loss can be committed meanwhile");
        assert!(world.machine.attempts().contains_key(&attempt));
        world.app.maintenance_off().await;
        world.result(&run, "success").await;
        executor.kill().await;
    });
}

#[test]
fn only_exclusive_attempts_end_when_nothing_is_heard() {
    with_world(async |mut world| {
        world.settings.limit = 2;
        let run = world.create(serde_json::from_str(EXCLUSIVE).unwrap()).await;
        let other = json!({ "project": "01900000-0000-7000-8000-000000000002", "name": "main",
            "tasks": one_step() });
        world.app.send(Request::post("/api/v1/runs").json(&other)).await.expect(201);
        let executor = world.start();
        world.started(2).await;
        let attempts = world.machine.attempts();
        let find = |task: &str| {
            let (id, _) = attempts.iter().find(|(_, it)| it.task.task == task).unwrap();
            id.clone()
        };
        let (deploy, build) = (find("deploy"), find("build"));
        // The token is not known any more: nothing is heard.
        let path = "/api/v1/executors/linux";
        world.app.send(Request::delete(path)).await.expect(204);
        pass(Duration::from_secs(50)).await;
        assert_eq!(world.machine.stop(&deploy), None);
        pass(Duration::from_secs(20)).await;
        let stop = world.machine.stop(&deploy).expect("it is exclusive");
        assert_eq!((stop.reason, stop.order), (Reason::ExecutorLost, 2));
        world.machine.end(&deploy, stopped(Reason::ExecutorLost));
        world.machine.end(&build, exit(0));
        // No answer, however often, means that anything may be thrown away.
        pass(Duration::from_secs(1200)).await;
        assert_eq!(world.machine.stop(&build), None);
        assert_eq!(world.machine.attempts().len(), 2);
        assert_eq!(world.held().attempts.len(), 2);
        assert!(executor.is_running());
        assert_eq!(world.run(&run).await["result"], "failed");
        executor.kill().await;
    });
}

#[test]
fn attempts_that_the_journal_does_not_know_are_stopped() {
    with_world(async |mut world| {
        let id = "01900000-0000-7000-8000-0000000000aa".to_owned();
        let name = || "x".to_owned();
        let task = drydock_executor::attempt::Task::new(id.clone(), name(), 1, name(), Vec::new());
        world.machine.start(&task).unwrap();
        let executor = world.start();
        assert!(world.machine.stop(&id).is_some());
        pass(Duration::from_secs(30)).await;
        assert!(world.machine.attempts().contains_key(&id));
        executor.kill().await;
    });
}
