//! What attempts save for caches and restore from them, between the executor and the service.

use std::time::Duration;

use drydock_tests::client::Request;
use drydock_tests::run::{pass, until};
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};

use crate::bad_net::Trouble;
use crate::machine::{Disk, exit};
use crate::world::{PROJECT, World, one_step, with_world};

/// Creates a run of a branch, which reads that branch's entries and those of `main`.
async fn run_of(world: &World, branch: &str) -> String {
    let own = format!("branch/{branch}");
    let mut read = vec![own.clone(), "branch/main".to_owned()];
    read.dedup();
    let cache = json!({ "read": read, "write": own });
    let new = json!({ "project": PROJECT, "name": "main", "tasks": one_step(), "cache": cache });
    let made = world.app.send(Request::post("/api/v1/runs").json(&new)).await.expect(201);
    format!("/api/v1/runs/{}", made.field("id"))
}

/// The answer to a step that waits.
async fn answer(world: &World, attempt: &str) -> Result<Vec<u8>, String> {
    until(async || world.machine.answer(attempt).is_some()).await;
    world.machine.answer(attempt).unwrap()
}

/// A run of that branch that has saved these bytes under a key.
async fn saved(world: &World, branch: &str, nth: usize, entry: (&str, &[u8])) {
    let run = run_of(world, branch).await;
    let attempt = world.started(nth).await;
    world.machine.save_cache(&attempt, 0, entry);
    world.machine.end(&attempt, exit(0));
    world.result(&run, "success").await;
}

#[test]
fn what_one_run_saves_the_next_one_restores() {
    with_world(async |mut world| {
        let executor = world.start();
        let bytes = vec![7; 600_000];
        saved(&world, "main", 1, ("deps-1", &bytes)).await;
        let run = run_of(&world, "topic").await;
        let attempt = world.started(2).await;
        assert_eq!(world.machine.attempts()[&attempt].task.cache.as_ref().unwrap().branch, "");
        world.machine.want(&attempt, 0, &["deps-2", "deps-"]);
        let found = answer(&world, &attempt).await.unwrap();
        let mut lines = found.splitn(3, |byte| *byte == b'\n');
        let mut line = || serde_json::from_slice::<Value>(lines.next().unwrap()).unwrap();
        assert_eq!(line(), json!({ "key": "deps-1", "scope": "branch/main" }));
        assert_eq!(line(), json!({ "task": "cache", "above": [], "size": bytes.len() }));
        assert_eq!(lines.next().unwrap(), bytes);
        world.machine.want(&attempt, 1, &["other"]);
        let nothing = answer(&world, &attempt).await.unwrap_err();
        assert_eq!(nothing, "nothing is cached under these keys");
        world.machine.end(&attempt, exit(0));
        world.result(&run, "success").await;
        executor.kill().await;
    });
}

#[test]
fn a_service_that_cannot_be_reached_keeps_no_step_waiting() {
    with_world(async |mut world| {
        let executor = world.start();
        saved(&world, "main", 1, ("deps", b"bytes")).await;
        let run = run_of(&world, "main").await;
        let attempt = world.started(2).await;
        world.archive_net.set(Trouble::Cut);
        world.machine.want(&attempt, 0, &["deps"]);
        let why = answer(&world, &attempt).await.unwrap_err();
        assert!(why.starts_with("the cache cannot be read, so nothing is restored"), "{why}");
        // What it has saved is tried three times, and the attempt ends as it has ended.
        world.machine.save_cache(&attempt, 1, ("new", b"new"));
        world.machine.end(&attempt, exit(0));
        world.result(&run, "success").await;
        executor.kill().await;
    });
}

#[test]
fn a_step_that_waits_is_answered_by_the_next_process_or_when_the_service_is_back() {
    with_world(async |mut world| {
        let executor = world.start();
        saved(&world, "main", 1, ("deps", b"bytes")).await;
        run_of(&world, "main").await;
        let attempt = world.started(2).await;
        world.archive_net.set(Trouble::Cut);
        world.machine.want(&attempt, 0, &["deps"]);
        pass(Duration::from_secs(5)).await;
        executor.kill().await;
        let executor = world.start();
        pass(Duration::from_secs(5)).await;
        assert_eq!(world.machine.answer(&attempt), None);
        world.archive_net.set(Trouble::None);
        assert!(answer(&world, &attempt).await.unwrap().ends_with(b"bytes"));
        executor.kill().await;
    });
}

#[test]
fn a_run_that_was_stopped_saves_nothing() {
    with_world(async |mut world| {
        let executor = world.start();
        let run = run_of(&world, "main").await;
        let attempt = world.started(1).await;
        world.machine.save_cache(&attempt, 0, ("deps", b"half"));
        let stopped =
            crate::machine::stopped(drydock_api::runservice::types::Reason::StoppedByUser);
        world.app.send(Request::post(&format!("{run}/stop"))).await.expect(204);
        until(async || world.machine.stop(&attempt).is_some()).await;
        world.machine.end(&attempt, stopped);
        world.result(&run, "stopped").await;
        run_of(&world, "main").await;
        let next = world.started(2).await;
        world.machine.want(&next, 0, &["deps"]);
        assert!(answer(&world, &next).await.is_err());
        executor.kill().await;
    });
}

#[test]
fn an_entry_that_does_not_fit_on_the_disk_keeps_no_step_waiting() {
    with_world(async |mut world| {
        let executor = world.start();
        saved(&world, "main", 1, ("deps", b"bytes")).await;
        run_of(&world, "main").await;
        let attempt = world.started(2).await;
        world.machine.set_disk(Disk::NoRoom);
        world.machine.want(&attempt, 0, &["deps"]);
        let why = answer(&world, &attempt).await.unwrap_err();
        assert!(why.starts_with("the cache cannot be kept here, so nothing is restored"), "{why}");
        executor.kill().await;
    });
}

#[test]
fn a_step_that_cannot_be_answered_is_tried_with_pauses_until_it_can() {
    with_world(async |mut world| {
        let executor = world.start();
        saved(&world, "main", 1, ("deps", b"bytes")).await;
        run_of(&world, "main").await;
        let attempt = world.started(2).await;
        world.machine.set_disk(Disk::Full);
        world.machine.want(&attempt, 0, &["deps"]);
        pass(Duration::from_secs(60)).await;
        let begun = world.machine.answers_begun();
        // The entry and the refusal are two answers of each try.
        assert!((4..=26).contains(&begun), "{begun} answers in a minute");
        world.machine.set_disk(Disk::Sound);
        assert!(answer(&world, &attempt).await.unwrap().ends_with(b"bytes"));
        executor.kill().await;
    });
}

#[test]
fn an_entry_that_does_not_arrive_as_it_was_saved_is_not_laid_out() {
    with_world(async |mut world| {
        let executor = world.start();
        saved(&world, "main", 1, ("deps", b"bytes")).await;
        let listed: Vec<_> = world.app.objects.list(None).try_collect().await.unwrap();
        let mut keys = listed.into_iter().map(|meta| meta.location);
        let key = keys.find(|key| key.as_ref().contains("/caches/")).unwrap();
        world.app.objects.put(&key, "bytez".into()).await.unwrap();
        run_of(&world, "main").await;
        let attempt = world.started(2).await;
        world.machine.want(&attempt, 0, &["deps"]);
        let why = answer(&world, &attempt).await.unwrap_err();
        assert_eq!(why, "what is cached did not arrive as it was saved, so nothing is restored");
        executor.kill().await;
    });
}
