//! How long attempts wait for what they restore, and their ends for what they have saved.

use std::time::Duration;

use drydock_tests::client::Request;
use drydock_tests::faulty;
use drydock_tests::run::{pass, until};
use object_store::ObjectStoreExt;
use serde_json::json;

use crate::archives::{built, tasks, waiting_tasks};
use crate::bad_net::Trouble;
use crate::machine::exit;
use crate::world::{World, with_world};

/// Lets the task begin that restores.
async fn approve(world: &World, run: &str) {
    let approve = Request::post(&format!("{run}/tasks/test/approve"));
    world.app.send(approve.json(&json!({ "approver": "alice" }))).await.expect(204);
}

#[test]
fn what_is_to_be_restored_and_is_damaged_or_gone_fails_the_task_before_it_starts() {
    for bytes in [Some("bytez"), Some("byte"), None] {
        with_world(async |mut world| {
            let executor = world.start();
            // The archive of the second task is changed before it is asked for.
            let run = world.create(waiting_tasks()).await;
            let attempt = world.started(1).await;
            world.machine.save(&attempt, 0, b"bytes");
            world.machine.end(&attempt, exit(0));
            until(async || world.task_named(&run, "build").await["status"] == "success").await;
            let [key] = world.archives().await.try_into().unwrap();
            match bytes {
                Some(bytes) => drop(world.app.objects.put(&key, bytes.into()).await.unwrap()),
                None => world.app.objects.delete(&key).await.unwrap(),
            }
            approve(&world, &run).await;
            world.result(&run, "failed").await;
            let test = world.task_named(&run, "test").await;
            assert_eq!(test["reason"], "archive_missing", "{bytes:?}");
            assert_eq!(world.machine.ledger(), [attempt], "it has not started");
            executor.kill().await;
        });
    }
}

#[test]
fn what_does_not_come_before_the_deadline_is_a_timeout() {
    with_world(async |mut world| {
        let executor = world.start();
        let mut tasks = tasks();
        tasks["test"]["timeout"] = json!("2m");
        // It is not given out before the net is cut.
        tasks["test"]["approval"] = json!({});
        let run = world.create(tasks).await;
        let attempt = world.started(1).await;
        world.machine.save(&attempt, 0, b"bytes");
        world.machine.end(&attempt, exit(0));
        until(async || world.task_named(&run, "build").await["status"] == "success").await;
        world.archive_net.set(Trouble::Cut);
        approve(&world, &run).await;
        world.result(&run, "failed").await;
        let test = world.task_named(&run, "test").await;
        assert_eq!(test["reason"], "timeout", "{test}");
        assert_eq!(world.machine.ledger(), [attempt], "it has not started");
        executor.kill().await;
    });
}

#[test]
fn a_stop_ends_the_wait_for_what_is_to_be_restored() {
    with_world(async |mut world| {
        let executor = world.start();
        let run = world.create(waiting_tasks()).await;
        let attempt = world.started(1).await;
        world.machine.save(&attempt, 0, b"bytes");
        world.machine.end(&attempt, exit(0));
        until(async || world.task_named(&run, "build").await["status"] == "success").await;
        world.archive_net.set(Trouble::Cut);
        approve(&world, &run).await;
        until(async || world.task_named(&run, "test").await["status"] == "running").await;
        world.app.send(Request::post(&format!("{run}/stop"))).await.expect(204);
        world.result(&run, "stopped").await;
        world.archive_net.set(Trouble::None);
        pass(Duration::from_secs(60)).await;
        assert_eq!(world.machine.ledger(), [attempt], "it has not started");
        assert!(world.held().attempts.is_empty(), "nothing of it is left");
        executor.kill().await;
    });
}

#[test]
fn what_was_lost_before_the_end_was_reported_is_uploaded_again() {
    with_world(async |mut world| {
        let executor = world.start();
        let run = world.create(tasks()).await;
        let attempt = world.started(1).await;
        world.net.set(Trouble::Cut);
        world.machine.save(&attempt, 0, b"bytes");
        world.machine.end(&attempt, exit(0));
        until(async || world.archives().await.len() == 1).await;
        world.app.objects.delete(&world.archives().await[0]).await.unwrap();
        world.net.set(Trouble::None);
        let test = world.started(2).await;
        assert!(world.machine.restore(&test).unwrap().ends_with(b"bytes"));
        world.machine.end(&test, exit(0));
        world.result(&run, "success").await;
        executor.kill().await;
    });
}

#[test]
fn a_service_that_cannot_work_uses_up_no_time_of_an_upload() {
    with_world(async |mut world| {
        let executor = world.start();
        let run = world.create(tasks()).await;
        let attempt = world.started(1).await;
        world.app.coordination.trouble.set(faulty::Trouble::Refused);
        world.machine.save(&attempt, 0, b"bytes");
        world.machine.end(&attempt, exit(0));
        pass(Duration::from_secs(1800)).await;
        world.app.coordination.trouble.set(faulty::Trouble::None);
        let test = world.started(2).await;
        world.machine.end(&test, exit(0));
        world.result(&run, "success").await;
        executor.kill().await;
    });
}

#[test]
fn maintenance_uses_up_no_time_of_an_upload() {
    with_world(async |mut world| {
        // However long the executor takes the service for well.
        world.settings.silence = Duration::from_secs(3600);
        let executor = world.start();
        world.archive_net.set(Trouble::Cut);
        let (run, _) = built(&mut world, b"bytes").await;
        pass(Duration::from_secs(5)).await;
        world.app.maintenance_on().await;
        world.archive_net.set(Trouble::None);
        pass(Duration::from_secs(1800)).await;
        world.app.maintenance_off().await;
        let test = world.started(2).await;
        world.machine.end(&test, exit(0));
        world.result(&run, "success").await;
        executor.kill().await;
    });
}
