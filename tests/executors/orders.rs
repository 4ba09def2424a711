//! Orders of the service, the limit of the executor, and its end.

use std::time::Duration;

use drydock_api::runservice::types::{LogStep, Reason};
use drydock_core::context::Context;
use drydock_executor::protocol::Ended;
use drydock_tests::client::Request;
use drydock_tests::run::{pass, until};
use serde_json::json;

use crate::machine::{exit, stopped};
use crate::world::{Process, World, one_step, with_world};

#[test]
fn a_stop_comes_with_the_heartbeat_and_a_second_one_takes_the_grace_away() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        let stop = format!("{run}/stop");
        world.app.send(Request::post(&stop)).await.expect(204);
        until(async || world.machine.stop(&attempt).is_some()).await;
        let first = world.machine.stop(&attempt).unwrap();
        assert_eq!((first.reason, first.order), (Reason::StoppedByUser, 1));
        assert!(first.grace_ms > 0);
        world.app.send(Request::post(&stop)).await.expect(204);
        until(async || world.machine.stop(&attempt).unwrap() != first).await;
        let second = world.machine.stop(&attempt).unwrap();
        assert_eq!((second.grace_ms, second.order), (0, 2));
        world.machine.end(&attempt, stopped(Reason::StoppedByUser));
        world.result(&run, "stopped").await;
        executor.kill().await;
    });
}

#[test]
fn a_stop_is_heard_by_an_executor_that_was_started_again() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        executor.kill().await;
        world.app.send(Request::post(&format!("{run}/stop"))).await.expect(204);
        let executor = world.start();
        until(async || world.machine.stop(&attempt).is_some()).await;
        executor.kill().await;
    });
}

#[test]
fn an_attempt_that_the_service_has_given_up_is_ended_and_released() {
    with_world(async |mut world| {
        let step = json!({ "run": { "command": "make" } });
        let run = world.create(json!({ "build": { "steps": [step], "timeout": "1m" } })).await;
        let executor = world.start();
        let attempt = world.started(1).await;
        assert_eq!(world.machine.attempts()[&attempt].task.timeout_ms, Some(60_000));
        // Nothing ends it here.
        world.result(&run, "failed").await;
        assert_eq!(world.task(&run).await["reason"], "timeout");
        until(async || world.machine.stop(&attempt).is_some()).await;
        assert_eq!(world.machine.stop(&attempt).unwrap().order, 2);
        world.machine.print(&attempt, LogStep::Step(0), b"it is killed\n");
        world.machine.end(&attempt, stopped(Reason::ExecutorLost));
        // The service waits for what its executor says of its log.
        world.released(&attempt).await;
        let log = ("complete".to_owned(), b"it is killed\n".to_vec());
        assert_eq!(world.log(&run, "0").await, log);
        executor.kill().await;
    });
}

#[test]
fn no_more_attempts_run_than_the_limit() {
    with_world(async |mut world| {
        world.settings.limit = 2;
        let step = json!({ "run": { "command": "make" } });
        let task = json!({ "steps": [step] });
        let run = world.create(json!({ "a": task, "b": task, "c": task })).await;
        let executor = world.start();
        world.started(2).await;
        pass(Duration::from_secs(60)).await;
        let first = world.started(2).await;
        world.machine.end(&first, exit(0));
        world.started(3).await;
        for attempt in world.machine.ledger() {
            if world.machine.is_running(&attempt) {
                world.machine.end(&attempt, exit(0));
            }
        }
        world.result(&run, "success").await;
        executor.kill().await;
    });
}

#[test]
fn an_executor_that_drains_ends_its_attempts_and_takes_no_more() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        executor.shutdown.drain.cancel();
        let next = world.create(json!({ "other": { "steps": [] } })).await;
        pass(Duration::from_secs(300)).await;
        assert!(executor.is_running());
        assert_eq!(world.machine.ledger().len(), 1);
        world.machine.end(&attempt, exit(0));
        assert_eq!(executor.end().await.unwrap(), Ended::Drained);
        world.result(&run, "success").await;
        assert_eq!(world.run(&next).await["phase"], "running");
        assert_eq!(world.machine.ledger().len(), 1);
    });
}

#[test]
fn an_idle_executor_drains_at_once() {
    with_world(async |mut world| {
        let executor = world.start();
        pass(Duration::from_secs(30)).await;
        executor.shutdown.drain.cancel();
        assert_eq!(executor.end().await.unwrap(), Ended::Drained);
    });
}

#[test]
fn an_executor_that_leaves_lets_its_attempts_go_on() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        executor.shutdown.leave.cancel();
        assert_eq!(executor.end().await.unwrap(), Ended::Left);
        assert!(world.machine.is_running(&attempt));
        world.machine.end(&attempt, exit(0));
        let executor = world.start();
        world.result(&run, "success").await;
        executor.kill().await;
    });
}

#[test]
fn an_operator_drains_an_executor_and_enables_it_again() {
    with_world(async |mut world| {
        let executor = world.start();
        let path = "/api/v1/executors/linux";
        let drain = |drain: bool| Request::put(path).json(&json!({ "drain": drain }));
        world.app.send(drain(true)).await.expect(200);
        pass(Duration::from_secs(10)).await;
        world.create(one_step()).await;
        pass(Duration::from_secs(60)).await;
        assert_eq!(world.machine.ledger(), Vec::<String>::new());
        assert!(executor.is_running());
        world.app.send(drain(false)).await.expect(200);
        world.started(1).await;
        executor.kill().await;
    });
}

#[test]
fn an_attempt_that_no_supervisor_begins_fails() {
    with_world(async |mut world| {
        world.machine.set_broken(true);
        let run = world.create(one_step()).await;
        let executor = world.start();
        world.result(&run, "failed").await;
        assert_eq!(world.task(&run).await["reason"], "setup_failed");
        executor.kill().await;
    });
}

#[test]
fn a_report_that_the_service_refuses_is_replaced_by_a_plain_one() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        world.machine.print(&attempt, LogStep::Step(0), b"a line\n");
        // Nobody has told it to stop.
        world.machine.end(&attempt, stopped(Reason::StoppedByUser));
        world.result(&run, "failed").await;
        assert_eq!(world.task(&run).await["reason"], "executor_restarted");
        world.released(&attempt).await;
        assert_eq!(world.log(&run, "0").await, ("complete".to_owned(), b"a line\n".to_vec()));
        executor.kill().await;
    });
}

/// A task that may be tried again, while its attempt runs.
async fn begun_with_retry(world: &mut World) -> (String, Process, String) {
    let step = json!({ "run": { "command": "make" } });
    let task = json!({ "steps": [step], "retry": { "max": 2 } });
    let run = world.create(json!({ "build": task })).await;
    let executor = world.start();
    (run, executor, world.started(1).await)
}

async fn import(world: &World, export: String) {
    world.app.maintenance_on().await;
    world.app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
    world.app.maintenance_off().await;
}

#[test]
fn an_attempt_that_was_stopped_stays_so_though_an_import_undoes_the_order() {
    with_world(async |mut world| {
        let (run, executor, attempt) = begun_with_retry(&mut world).await;
        let export = world.app.export().await;
        world.app.send(Request::post(&format!("{run}/stop"))).await.expect(204);
        until(async || world.machine.stop(&attempt).is_some()).await;
        import(&world, export).await;
        world.machine.end(&attempt, stopped(Reason::StoppedByUser));
        world.result(&run, "stopped").await;
        let task = world.task(&run).await;
        assert_eq!(
            (&task["status"], &task["reason"]),
            (&json!("stopped"), &json!("lost_in_restore"))
        );
        assert_eq!(world.machine.ledger().len(), 1);
        executor.kill().await;
    });
}

#[test]
fn an_attempt_that_one_import_has_removed_and_the_next_brings_back_was_lost_in_them() {
    with_world(async |mut world| {
        let before = world.app.export().await;
        let (run, executor, attempt) = begun_with_retry(&mut world).await;
        let export = world.app.export().await;
        import(&world, before).await;
        until(async || world.machine.stop(&attempt).is_some()).await;
        let stop = world.machine.stop(&attempt).unwrap();
        world.machine.end(&attempt, stopped(stop.reason));
        import(&world, export).await;
        until(async || world.machine.ledger().len() == 2).await;
        let first = world.own().attempt(&Context::background(), attempt.parse().unwrap()).await;
        assert_eq!(first.unwrap().reason, Some(Reason::LostInRestore));
        assert_eq!(world.task(&run).await["attempt"]["number"], 2);
        executor.kill().await;
    });
}

#[test]
fn an_end_is_reported_at_once_and_not_with_the_next_heartbeat() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        let ended = tokio::time::Instant::now();
        world.succeeds(&run, &attempt).await;
        assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
        executor.kill().await;
    });
}
