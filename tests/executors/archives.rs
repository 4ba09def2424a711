//! What attempts save and restore, between the executor and the service.

use std::time::Duration;

use axum::body::Body;
use drydock_api::runservice::types::{AttemptId, NewClaim, Reason, UploadQuery};
use drydock_core::context::Context;
use drydock_core::error::Code;
use drydock_executor::attempt::Outcome;
use drydock_tests::client::Request;
use drydock_tests::run::{pass, until};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::bad_net::Trouble;
use crate::machine::{exit, stopped};
use crate::world::{World, claim_id, with_world};

/// A task that saves in its one step, and one below that restores.
pub fn tasks() -> Value {
    json!({
        "build": { "steps": [{ "save": { "paths": ["app"] } }] },
        "test": { "depends": ["build"], "steps": [{ "restore": {} }] },
    })
}

/// As [`tasks`], where the second one waits for an approval.
pub fn waiting_tasks() -> Value {
    let mut tasks = tasks();
    tasks["test"]["approval"] = json!({});
    tasks
}

pub fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A chain of two that save, and one below both that restores.
pub fn chain() -> Value {
    let save = json!({ "save": { "paths": ["app"] } });
    json!({
        "base": { "steps": [save] },
        "build": { "depends": ["base"], "steps": [save] },
        "test": { "depends": ["build"], "steps": [{ "restore": {} }] },
    })
}

/// A run whose first task has saved these bytes and ended, and its attempt.
pub async fn built(world: &mut World, bytes: &[u8]) -> (String, String) {
    let run = world.create(tasks()).await;
    let attempt = world.started(1).await;
    world.machine.save(&attempt, 0, bytes);
    world.machine.end(&attempt, exit(0));
    (run, attempt)
}

#[test]
fn what_a_task_saves_the_task_below_restores() {
    with_world(async |mut world| {
        // More than a part in object storage.
        let bytes: Vec<u8> = (0..9_000_000u32).map(|at| (at / 7) as u8).collect();
        let executor = world.start();
        let (run, built) = built(&mut world, &bytes).await;
        let test = world.started(2).await;
        let restored = world.machine.restore(&test).expect("it is there before the start");
        let line = restored.iter().position(|byte| *byte == b'\n').unwrap();
        let frame: Value = serde_json::from_slice(&restored[..line]).unwrap();
        assert_eq!(frame, json!({ "task": "build", "above": [], "size": bytes.len() }));
        assert_eq!(restored[line + 1..], bytes);
        let saved = world.app.get(&format!("{run}/tasks/build/archives/0")).await.expect(200);
        assert_eq!(saved.body, bytes);
        assert_eq!(saved.header("content-type"), Some("application/octet-stream"));
        assert_eq!(saved.header("etag"), Some(&*format!("\"{}\"", digest(&bytes))));
        world.machine.end(&test, exit(0));
        world.result(&run, "success").await;
        world.released(&built).await;
        executor.kill().await;
    });
}

#[test]
fn a_task_restores_what_all_tasks_above_have_saved_in_their_order() {
    with_world(async |mut world| {
        let executor = world.start();
        let run = world.create(chain()).await;
        for (nth, bytes) in [(1, b"0 "), (2, b"1 ")] {
            let attempt = world.started(nth).await;
            world.machine.save(&attempt, 0, bytes);
            world.machine.end(&attempt, exit(0));
        }
        let test = world.started(3).await;
        let restored = String::from_utf8(world.machine.restore(&test).unwrap()).unwrap();
        let base = r#"{"task":"base","above":[],"size":2}"#;
        let build = r#"{"task":"build","above":["base"],"size":2}"#;
        assert_eq!(restored, format!("{base}\n0 {build}\n1 "));
        world.machine.end(&test, exit(0));
        world.result(&run, "success").await;
        executor.kill().await;
    });
}

#[test]
fn an_upload_that_fails_is_tried_again_and_the_end_waits_for_it() {
    with_world(async |mut world| {
        let executor = world.start();
        world.archive_net.set(Trouble::Cut);
        let (run, attempt) = built(&mut world, b"bytes").await;
        until(async || world.held().attempts.len() == 1).await;
        pass(Duration::from_secs(100)).await;
        assert_eq!(world.phase(&attempt).await, "running", "its end is not reported");
        world.archive_net.set(Trouble::None);
        let test = world.started(2).await;
        assert!(world.machine.restore(&test).unwrap().ends_with(b"bytes"));
        world.machine.end(&test, exit(0));
        world.result(&run, "success").await;
        executor.kill().await;
    });
}

#[test]
fn a_task_whose_archive_cannot_be_stored_in_time_has_failed() {
    with_world(async |mut world| {
        world.settings.upload_timeout = Duration::from_secs(5);
        let executor = world.start();
        world.archive_net.set(Trouble::Cut);
        let (run, attempt) = built(&mut world, b"bytes").await;
        world.result(&run, "failed").await;
        let found = world.run(&run).await;
        let tasks = found["tasks"].as_object().unwrap();
        let build = tasks.values().find(|task| task["name"] == "build").unwrap();
        assert_eq!(build["reason"], "archive_missing");
        assert_eq!(build["attempt"]["steps"][0]["exit"], json!({ "code": 0 }));
        assert_eq!(world.machine.ledger(), [attempt], "nothing that restores it has started");
        let absent = world.app.get(&format!("{run}/tasks/build/archives/0")).await;
        assert_eq!(absent.outcome(), "404 archive_not_exist");
        executor.kill().await;
    });
}

#[test]
fn another_process_uploads_what_the_one_before_has_not() {
    with_world(async |mut world| {
        let executor = world.start();
        world.archive_net.set(Trouble::Cut);
        let (run, _) = built(&mut world, b"bytes").await;
        until(async || world.held().attempts.values().all(|held| held.state.has_ended())).await;
        executor.kill().await;
        world.archive_net.set(Trouble::None);
        let executor = world.start();
        let test = world.started(2).await;
        assert!(world.machine.restore(&test).unwrap().ends_with(b"bytes"));
        world.machine.end(&test, exit(0));
        world.result(&run, "success").await;
        executor.kill().await;
    });
}

/// A task whose two steps save, and what they save: of the second, the file is damaged by now.
async fn half_damaged(world: &mut World) -> String {
    let save = json!({ "save": { "paths": ["app"] } });
    let run = world.create(json!({ "build": { "steps": [save, save] } })).await;
    let attempt = world.started(1).await;
    let outcome = exit(0);
    let steps = vec![outcome.steps[0].clone(); 2];
    world.machine.save(&attempt, 0, b"bytes");
    world.machine.save(&attempt, 1, b"bytes");
    world.machine.end(&attempt, Outcome { steps, ..outcome });
    world.machine.save(&attempt, 1, b"bytez");
    run
}

#[test]
fn an_archive_that_is_refused_for_good_fails_its_task_at_once_and_the_others_are_named() {
    with_world(async |mut world| {
        let executor = world.start();
        let run = half_damaged(&mut world).await;
        let begun = tokio::time::Instant::now();
        world.result(&run, "failed").await;
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        assert_eq!(world.task(&run).await["reason"], "archive_missing");
        let first = world.app.get(&format!("{run}/tasks/build/archives/0")).await.expect(200);
        assert_eq!(first.body, "bytes");
        let other = world.app.get(&format!("{run}/tasks/build/archives/1")).await;
        assert_eq!(other.outcome(), "404 archive_not_exist");
        executor.kill().await;
    });
}

#[test]
fn the_end_of_an_attempt_that_was_stopped_waits_for_no_upload() {
    with_world(async |mut world| {
        let executor = world.start();
        let run = world.create(tasks()).await;
        let attempt = world.started(1).await;
        world.archive_net.set(Trouble::Cut);
        world.machine.save(&attempt, 0, b"bytes");
        world.app.send(Request::post(&format!("{run}/stop"))).await.expect(204);
        until(async || world.machine.stop(&attempt).is_some()).await;
        let steps = exit(0).steps;
        world.machine.end(&attempt, Outcome { steps, ..stopped(Reason::StoppedByUser) });
        let begun = tokio::time::Instant::now();
        world.result(&run, "stopped").await;
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        let never = world.app.get(&format!("{run}/tasks/build/archives/0")).await;
        assert_eq!(never.outcome(), "404 archive_not_exist", "it was never stored");
        executor.kill().await;
    });
}

/// The executor that a test plays.
async fn upload(
    world: &World,
    attempt: AttemptId,
    (step, bytes): (u16, &'static [u8]),
    said: &[u8],
) -> Result<String, String> {
    let query = UploadQuery { size: said.len() as u64, blake3: digest(said) };
    let ctx = Context::background().timeout(Duration::from_secs(30));
    let uploaded = world.own().upload(&ctx, (attempt, step), &query, Body::from(bytes)).await;
    match uploaded {
        Ok(archive) => Ok(archive.object),
        Err(error) => Err(error.remote().map_or(error.to_string(), |it| it.code.clone())),
    }
}

#[test]
fn an_archive_is_taken_only_of_the_running_attempt_and_only_as_it_is_said_to_be() {
    with_world(async |mut world| {
        let run = world.create(tasks()).await;
        let attempt = world.claimed_before(claim_id(1)).await.attempt.id;
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..2 {
            names.insert(upload(&world, attempt, (0, b"bytes"), b"bytes").await.unwrap());
        }
        assert_eq!(names.len(), 2, "each upload has a name of its own");
        assert!(names.iter().all(|name| name.starts_with(&format!("archives/{attempt}/0-"))));
        for (what, step, said, code) in [
            ("other bytes", 0, &b"bytez"[..], Code::BadArchive),
            ("a step that there is not", 1, b"bytes", Code::BadArchive),
        ] {
            let refused = upload(&world, attempt, (step, b"bytes"), said).await;
            assert_eq!(refused, Err(code.as_str().to_owned()), "{what}");
        }
        let foreign = upload(&world, AttemptId(uuid::Uuid::nil()), (0, b"bytes"), b"bytes").await;
        assert_eq!(foreign, Err("attempt_not_exist".to_owned()));

        // One that is named and not stored is not taken, and the attempt goes on.
        let name = names.first().unwrap();
        let status = |object: &str| {
            let archive = json!({ "object": object, "size": 5, "blake3": digest(b"bytes") });
            json!({
                "phase": "success", "steps": [{ "exit": { "code": 0 } }],
                "archives": { "0": archive },
            })
        };
        let path = format!("/api/v1/executors/self/attempts/{attempt}");
        let report = async |object: &str| {
            let token = format!("Bearer {}", world.token);
            let request = Request::put(&path).anonymous().header("authorization", &token);
            let request = request.json(&status(object));
            world.app.send(request).await
        };
        let absent = format!("archives/{attempt}/0-{}.tar.zst", "0".repeat(32));
        assert_eq!(report(&absent).await.outcome(), "409 archive_not_stored");
        assert_eq!(world.phase(&attempt.to_string()).await, "running");
        report(name).await.expect(200);
        report(name).await.expect(200);

        let late = upload(&world, attempt, (0, b"bytes"), b"bytes").await;
        assert_eq!(late, Err("stale_attempt".to_owned()));
        let saved = world.app.get(&format!("{run}/tasks/build/archives/0")).await.expect(200);
        assert_eq!(saved.body, "bytes");
        // An executor reads it only while it runs a task below.
        let ctx = Context::background();
        let read = async || world.own().download(&ctx, (attempt, "0")).await.is_ok();
        assert!(!read().await, "no task below runs");
        let claim = NewClaim { claim: claim_id(2), session: 1 };
        let claimed = world.own().claim(&ctx, &claim, None).await.unwrap().unwrap();
        assert_eq!(claimed.task.name.to_string(), "test");
        assert_eq!(claimed.restore[0].archive.object, *name);
        assert!(read().await);
    });
}

#[test]
fn maintenance_does_not_wait_for_an_upload() {
    with_world(async |mut world| {
        world.create(tasks()).await;
        let attempt = world.claimed_before(claim_id(1)).await.attempt.id;
        let (client, query) = (world.own(), UploadQuery { size: 5, blake3: digest(b"bytes") });
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        // One that never ends.
        let bytes = futures_util::stream::once(async {
            begun.send(()).unwrap();
            Ok::<_, std::io::Error>("byt")
        });
        let body = Body::from_stream(bytes.chain(futures_util::stream::pending()));
        let upload = tokio::spawn(async move {
            let ctx = Context::background().timeout(Duration::from_secs(600));
            client.upload(&ctx, (attempt, 0), &query, body).await
        });
        has_begun.await.unwrap();
        let entered = tokio::time::timeout(Duration::from_secs(10), world.app.maintenance_on());
        entered.await.unwrap();
        let refused = upload.await.unwrap().unwrap_err();
        assert_eq!(refused.remote().unwrap().code, Code::Maintenance.as_str());
    });
}
