//! Starting runs of files: what the gateway makes of a file, and what nobody can say but it.

use drydock_tests::app::TestApp;
use drydock_tests::client::{Client, Exchange, Request};
use drydock_tests::gateway::{Face, Who};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::gateway_runs::{PROJECT, runs, with_world};

/// The value of the secret that the variable `password` names.
const SECRET: &str = "the plain value";

const FILE: &str = "
version: 1
runs:
  main:
    env: { PLAIN: a text of the file, TOKEN: { from_variable: password } }
    tasks:
      build: { steps: [{ run: make }] }
      deploy: { depends: [build], approval: {}, steps: [{ run: ./deploy.sh }] }
";

fn asked() -> Value {
    json!({
        "branch": "topic",
        "commit_sha": "0123456789abcdef",
        "message": "Mend the build\n\nIt was broken.",
        "definition": FILE,
    })
}

async fn start(face: &Face, who: Who, body: &Value) -> Exchange {
    face.send(who, Request::post(&runs("")).json(body)).await
}

/// A new executor of this name, and the next task as it gets it.
pub async fn claimed_by(app: &TestApp, name: &str) -> (Client, Value) {
    let behind = app.instance(2);
    let new = Request::post("/api/v1/executors").json(&json!({ "name": name }));
    let token = behind.send(new).await.expect(201).field("token");
    let executor = Client { token, ..behind.clone() };
    let beat = Request::put("/api/v1/executors/self");
    executor.send(beat.json(&json!({ "session": 1, "limit": 1 }))).await.expect(200);
    let claim = json!({ "claim": "01900000-0000-7000-8000-0000000000d1", "session": 1 });
    let claim = Request::post("/api/v1/executors/self/claims").json(&claim);
    let claimed = executor.send(claim).await.expect(201).json();
    (executor, claimed)
}

#[test]
fn a_file_is_started_in_the_name_of_the_caller_with_resolved_variables() {
    with_world(async |app, face| {
        let started = start(&face, Who::Owner, &asked()).await;
        assert_snapshot!("started", started);
        let location = started.header("location").expect("a creation has one").to_owned();
        let shown = face.get(Who::Outsider, &location).await.expect(200);
        assert_eq!(shown.json(), started.json());
        let (_, claimed) = claimed_by(&app, "one").await;
        let environment = json!({ "PLAIN": "a text of the file", "TOKEN": SECRET });
        assert_eq!(claimed["environment"], environment);
        assert_eq!(claimed["unmasked"], json!(["PLAIN"]));
    });
}

#[test]
fn the_same_file_as_an_object_is_the_same_run() {
    with_world(async |_, face| {
        let mut object = asked();
        object["definition"] = json!({
            "version": 1,
            "runs": { "main": { "tasks": { "build": { "steps": [{ "run": "make" }] } } } },
        });
        let started = start(&face, Who::Owner, &object).await.expect(201).json();
        assert_eq!((&started["phase"], &started["name"]), (&json!("running"), &json!("main")));
        object["definition"] = json!(7);
        let neither = start(&face, Who::Owner, &object).await;
        assert_eq!(neither.outcome(), "400 invalid_body", "{neither}");
    });
}

#[test]
fn a_file_that_cannot_be_run_makes_a_run_with_its_errors() {
    with_world(async |app, face| {
        let with = async |field: &str, value: Value| {
            let mut body = asked();
            body[field] = value;
            let run = start(&face, Who::Owner, &body).await.expect(201).json();
            assert_eq!(run["phase"], "setup_error", "{run}");
            run["setup_errors"].to_string()
        };
        let unknown = FILE.replace("env:", "evn:");
        assert!(with("definition", json!(unknown)).await.contains("evn"));
        let cycle = FILE.replace("depends: [build]", "depends: [deploy]");
        with("definition", json!(cycle)).await;
        with("definition", json!("no: [yaml")).await;
        assert!(with("run", json!("mian")).await.contains("main"));
        let missing = FILE.replace("password", "nobody-has-it");
        assert!(with("definition", json!(missing)).await.contains("nobody-has-it"));
        let secret = format!("{PROJECT}/secrets/deploy");
        let large = json!({ "data": { "key": "x".repeat(70_000) } });
        app.send(Request::put(&secret).json(&large)).await.expect(200);
        assert!(with("definition", json!(FILE)).await.contains("65536 bytes"));
        let listed = face.get(Who::Outsider, &runs("?phase=setup_error")).await.expect(200).json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(6));
    });
}

#[test]
fn conditions_are_compared_with_the_branch_the_tag_or_the_ref() {
    with_world(async |_, face| {
        let run = |kind: &str| {
            let tasks = json!({ "build": { "steps": [{ "run": "make" }] } });
            json!({ "when": { kind: "topic" }, "tasks": tasks })
        };
        let runs = json!({ "b": run("branch"), "t": run("tag"), "r": run("ref") });
        let file = json!({ "version": 1, "runs": runs });
        for (kind, name) in [("branch", "b"), ("tag", "t"), ("ref", "r")] {
            let body = json!({ kind: "topic", "definition": file });
            let run = start(&face, Who::Owner, &body).await.expect(201).json();
            assert_eq!((&run["phase"], &run["name"]), (&json!("running"), &json!(name)));
            let group = run["group"].as_str().expect("a run has a group");
            assert!(group.ends_with(&format!("/{kind}/topic")), "{group}");
            assert_eq!(run["annotations"][kind], "topic");
        }
        let body = json!({ "branch": "other", "definition": file });
        let run = start(&face, Who::Owner, &body).await.expect(201).json();
        assert_eq!(run["phase"], "setup_error", "{run}");
        let none = start(&face, Who::Owner, &json!({ "definition": file })).await;
        assert_eq!(none.outcome(), "400 invalid_body", "{none}");
    });
}

#[test]
fn what_a_caller_may_not_say_is_refused_by_name() {
    with_world(async |_, face| {
        for (field, value) in [
            ("priority", json!(100)),
            ("environment", json!({ "TOKEN": "mine" })),
            ("group", json!("/project/x")),
            ("annotations", json!({ "creator": "alice" })),
            ("tag", json!("v1")),
            ("commit_sha", json!("no sha")),
            ("branch", json!("a//b")),
        ] {
            let mut body = asked();
            body[field] = value;
            let refused = start(&face, Who::Owner, &body).await;
            assert_eq!(refused.outcome(), "400 invalid_body", "{field}: {refused}");
        }
        let mut priority = FILE.to_owned();
        priority.insert_str(FILE.find("    env:").expect("it is there"), "    priority: 100\n");
        let mut body = asked();
        body["definition"] = json!(priority);
        let run = start(&face, Who::Owner, &body).await.expect(201).json();
        assert_eq!((&run["phase"], &run["priority"]), (&json!("setup_error"), &json!(0)));
    });
}

#[test]
fn a_restart_resolves_variables_anew_and_a_repetition_starts_nothing() {
    with_world(async |app, face| {
        let once = || Request::post(&runs("")).json(&asked()).header("idempotency-key", "push-1");
        let started = face.send(Who::Owner, once()).await.expect(201);
        let secret = format!("{PROJECT}/secrets/deploy");
        let rotated = json!({ "data": { "key": "another value" } });
        app.send(Request::put(&secret).json(&rotated)).await.expect(200);
        let again = face.send(Who::Owner, once()).await;
        assert_eq!(again.json()["number"], started.json()["number"], "{again}");
        let number = started.json()["number"].as_u64().expect("a run has a number");
        face.send(Who::Owner, Request::post(&runs(&format!("/{number}/stop")))).await.expect(204);
        let restart = Request::post(&runs(&format!("/{number}/restart")));
        let restarted = face.send(Who::Owner, restart.json(&json!({ "from": "start" }))).await;
        assert_eq!(restarted.status, 201, "{restarted}");
        let (_, claimed) = claimed_by(&app, "one").await;
        let expected = json!({ "PLAIN": "a text of the file", "TOKEN": "another value" });
        assert_eq!((&claimed["environment"], &claimed["unmasked"]), (&expected, &json!(["PLAIN"])));
        let gone = format!("{PROJECT}/variables/password");
        app.send(Request::delete(&gone)).await.expect(204);
        let restart = Request::post(&runs(&format!("/{number}/restart")));
        let refused = face.send(Who::Owner, restart.json(&json!({ "from": "start" }))).await;
        assert_snapshot!("restart_without_a_value", refused);
    });
}

#[test]
fn no_answer_of_the_gateway_holds_a_secret() {
    with_world(async |_, face| {
        let started = start(&face, Who::Owner, &asked()).await.expect(201);
        let number = started.json()["number"].as_u64().expect("a run has a number");
        let mut answers = vec![started];
        for path in ["", "/events", &format!("/{number}"), &format!("/{number}/tasks/build")] {
            answers.push(face.get(Who::Owner, &runs(path)).await.expect(200));
        }
        for (what, body) in [("restart", json!({ "from": "start" })), ("stop", json!({}))] {
            let request = Request::post(&runs(&format!("/{number}/{what}")));
            let request = if what == "stop" { request } else { request.json(&body) };
            answers.push(face.send(Who::Owner, request).await);
        }
        for path in ["executors", "gates/resume", "export/configstore"] {
            answers.push(face.get(Who::AdminToken, &format!("/api/v1/{path}")).await.expect(200));
        }
        let secret = format!("{PROJECT}/secrets/deploy");
        answers.push(face.get(Who::Owner, &secret).await.expect(200));
        answers.push(face.get(Who::Owner, &format!("{PROJECT}/variables/password")).await);
        for answer in answers {
            assert!(!answer.to_string().contains(SECRET), "{answer}");
        }
    });
}
