//! What attempts save and restore, between the executor and the service.

use std::time::Duration;

use axum::body::Body;
use drydock_api::runservice::types::{AttemptId, NewClaim, UploadQuery};
use drydock_core::context::Context;
use drydock_core::error::Code;
use drydock_tests::client::Request;
use drydock_tests::run::{pass, until};
use serde_json::{Value, json};

use crate::bad_net::Trouble;
use crate::machine::exit;
use crate::world::{World, claim_id, with_world};

/// A task that saves in its one step, and one below that restores.
fn tasks() -> Value {
    json!({
        "build": { "steps": [{ "save": { "paths": ["app"] } }] },
        "test": { "depends": ["build"], "steps": [{ "restore": {} }] },
    })
}

fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A run whose first task has saved these bytes and ended, and its attempt.
async fn built(world: &mut World, bytes: &[u8]) -> (String, String) {
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

#[test]
fn maintenance_uses_up_no_time_of_an_upload() {
    with_world(async |mut world| {
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
