//! Caches of projects through the gateway: which part of one a run gets, and who may see and delete
//! entries.

use drydock_tests::app::TestApp;
use drydock_tests::client::Request;
use drydock_tests::gateway::{Face, Who};
use drydock_tests::runs::upload_query;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::gateway_runs::{PROJECT, runs, with_world};
use crate::gateway_start::claimed_by;

/// Starts a run of this branch, tag or ref.
async fn start(face: &Face, kind: &str, name: &str) -> Value {
    let tasks = json!({ "build": { "steps": [{ "run": "make" }] } });
    let mut new = json!({ "definition": { "version": 1, "runs": { "main": { "tasks": tasks } } } });
    new[kind] = json!(name);
    face.send(Who::Owner, Request::post(&runs("")).json(&new)).await.expect(201).json()
}

/// An entry that a run of the branch `topic` has saved: its id.
async fn entry(app: &TestApp, face: &Face) -> String {
    start(face, "branch", "topic").await;
    let (executor, claimed) = claimed_by(app, "saver").await;
    assert_eq!(claimed["cache"], json!({ "branch": "topic", "sha": "" }));
    let attempt = claimed["attempt"]["id"].as_str().expect("an attempt has an id");
    let path = format!("/api/v1/executors/self/attempts/{attempt}/caches");
    let path = format!("{path}{}&key=key", upload_query("bytes"));
    executor.send(Request::post(&path).body("bytes")).await.expect(201).field("id")
}

fn caches() -> String {
    format!("{PROJECT}/caches")
}

#[test]
fn a_run_reads_its_own_scope_and_the_default_branch_and_writes_its_own() {
    with_world(async |app, face| {
        for (kind, name, read) in [
            ("branch", "topic", json!(["branch/topic", "branch/main"])),
            ("branch", "main", json!(["branch/main"])),
            // The tag of that name is another source.
            ("tag", "main", json!(["tag/main", "branch/main"])),
            ("ref", "refs/pull/1/head", json!(["ref/refs/pull/1/head", "branch/main"])),
        ] {
            let run = start(&face, kind, name).await;
            let expected = json!({ "read": read, "write": read[0] });
            assert_eq!(run["cache"], expected, "{kind} {name}");
        }
        let long = "x".repeat(255);
        assert_eq!(start(&face, "branch", &long).await["cache"]["write"], format!("branch/{long}"));
        let change = Request::put(PROJECT).json(&json!({ "default_branch": "trunk" }));
        app.send(change).await.expect(200);
        let run = start(&face, "branch", "other").await;
        assert_eq!(run["cache"]["read"], json!(["branch/other", "branch/trunk"]));
        // A run that runs again has what it had.
        let first = face.get(Who::Owner, &runs("/4")).await.expect(200).json();
        face.send(Who::Owner, Request::post(&runs("/4/stop"))).await.expect(204);
        let from = json!({ "from": "start" });
        let again = face.send(Who::Owner, Request::post(&runs("/4/restart")).json(&from)).await;
        assert_eq!(again.expect(201).json()["cache"], first["cache"]);
    });
}

#[test]
fn nobody_says_which_part_of_a_cache_a_run_has() {
    with_world(async |_, face| {
        let new = json!({
            "branch": "topic",
            "definition": "version: 1",
            "cache": { "read": ["branch/main"], "write": "branch/main" },
        });
        let refused = face.send(Who::Owner, Request::post(&runs("")).json(&new)).await;
        assert_eq!(refused.outcome(), "400 invalid_body", "{refused}");
    });
}

#[test]
fn whoever_may_run_sees_and_deletes_entries() {
    with_world(async |app, face| {
        let entry = entry(&app, &face).await;
        let delete = || Request::delete(&format!("{}/{entry}", caches()));
        for (who, expected) in [
            (Who::Nobody, "401 unauthorized"),
            (Who::Outsider, "403 forbidden"),
            (Who::Member, "403 forbidden"),
        ] {
            assert_eq!(face.get(who, &caches()).await.outcome(), expected);
            assert_eq!(face.send(who, delete()).await.outcome(), expected);
        }
        assert_snapshot!("list", face.get(Who::Owner, &caches()).await);
        let change = Request::put(PROJECT).json(&json!({ "members_can_run": true }));
        app.send(change).await.expect(200);
        face.get(Who::Member, &caches()).await.expect(200);
        assert_eq!(face.get(Who::Outsider, &caches()).await.outcome(), "403 forbidden");
        let other = json!({ "name": "other", "parent": "org/acme/open" });
        app.send(Request::post("/api/v1/projects").json(&other)).await.expect(201);
        let elsewhere = caches().replace("open-app", "other");
        let elsewhere = Request::delete(&format!("{elsewhere}/{entry}"));
        let elsewhere = face.send(Who::Owner, elsewhere).await;
        assert_eq!(elsewhere.outcome(), "404 cache_not_exist", "{elsewhere}");
        assert_snapshot!("delete", face.send(Who::Member, delete()).await);
        assert_snapshot!("delete_again", face.send(Who::Member, delete()).await);
        assert_eq!(face.get(Who::Owner, &caches()).await.json()["items"], json!([]));
    });
}
