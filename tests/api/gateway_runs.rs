//! Runs through the gateway: what people see and do, and what they never see.

use drydock_core::net::Net;
use drydock_http::api::endpoint::Spec;
use drydock_tests::app::TestApp;
use drydock_tests::client::Request;
use drydock_tests::gateway::{Face, Who, escaped, runs_world, small_world};
use drydock_tests::run::{run, until};
use futures_util::TryStreamExt;
use insta::assert_snapshot;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::coverage::fits;
use crate::every_route::Table;
use crate::gateway_every_row::specs;

pub const PROJECT: &str = "/api/v1/projects/org%2Facme%2Fopen%2Fopen-app";

pub fn runs(rest: &str) -> String {
    format!("{PROJECT}/runs{rest}")
}

/// Runs a test in the world of runs.
pub fn with_world(test: impl AsyncFnOnce(TestApp, Face)) {
    run(async {
        let (app, face) = runs_world().await;
        test(app, face).await;
    });
}

async fn members_can_run(app: &TestApp) {
    let change = Request::put(PROJECT).json(&json!({ "members_can_run": true }));
    app.send(change).await.expect(200);
}

/// The run with this number, as a reader sees it.
async fn shown(face: &Face, number: u64) -> Value {
    face.get(Who::Outsider, &runs(&format!("/{number}"))).await.expect(200).json()
}

fn task<'a>(run: &'a Value, name: &str) -> &'a Value {
    let tasks = run["tasks"].as_object().expect("a run has tasks");
    tasks.values().find(|task| task["name"] == name).expect("the run has the task")
}

#[test]
fn readers_see_runs_tasks_and_logs() {
    with_world(async |_, face| {
        assert_snapshot!("list", face.get(Who::Outsider, &runs("?order=desc&limit=2")).await);
        let found = face.get(Who::Outsider, &runs("?phase=finished")).await.expect(200).json();
        assert_eq!(found["items"][0]["number"], 3);
        assert_eq!(found["items"][1], Value::Null);
        assert_snapshot!("run", face.get(Who::Outsider, &runs("/1")).await);
        let tagged = face.get(Who::Outsider, &runs("/3")).await;
        let again = Request::get(&runs("/3"));
        let again = again.header("if-none-match", tagged.header("etag").expect("a run has one"));
        assert_eq!(face.send(Who::Outsider, again).await.status, 304);
        assert_snapshot!("task", face.get(Who::Outsider, &runs("/1/tasks/deploy")).await);
        assert_snapshot!("log", face.get(Who::Outsider, &runs("/3/tasks/build/logs/0")).await);
        let end = face.get(Who::Outsider, &runs("/3/tasks/build/logs/0?offset=-2")).await;
        assert_eq!(end.text(), "e\n");
        let archive = face.get(Who::Outsider, &runs("/3/tasks/build/archives/1")).await;
        assert_snapshot!("archive", archive);
    });
}

#[test]
fn an_archive_that_is_gone_is_told_from_one_that_never_was() {
    with_world(async |app, face| {
        let listed: Vec<_> = app.objects.list(None).try_collect().await.expect("it is there");
        let archives = listed.into_iter().map(|meta| meta.location);
        for key in archives.filter(|key| key.as_ref().contains("/archives/")) {
            app.objects.delete(&key).await.expect("it is there");
        }
        let gone = face.get(Who::Outsider, &runs("/3/tasks/build/archives/1")).await;
        assert_snapshot!("archive_gone", gone);
    });
}

#[test]
fn a_badge_is_small_says_what_it_means_and_is_sent_once() {
    with_world(async |_, face| {
        let badge = format!("{PROJECT}/badge.svg");
        let done = face.get(Who::Outsider, &format!("{badge}?branch=done")).await;
        assert_snapshot!("badge", done);
        assert!(done.body.len() < 1000, "{}", done.body.len());
        let tag = done.header("etag").expect("a badge has one");
        let again = Request::get(&format!("{badge}?branch=done")).header("if-none-match", tag);
        assert_eq!(face.send(Who::Outsider, again).await.status, 304);
        // Run 1 of the default branch runs, which is no result.
        let main = face.get(Who::Outsider, &badge).await.expect(200);
        assert!(main.text().contains("<title>runs: unknown</title>"), "{main}");
        face.send(Who::Owner, Request::post(&runs("/2/cancel"))).await.expect(204);
        face.send(Who::Owner, Request::post(&runs("/1/stop"))).await.expect(204);
        let main = face.get(Who::Outsider, &badge).await.expect(200);
        assert!(main.text().contains("<title>runs: unknown</title>"), "it is stopping: {main}");
        let no_branch = face.get(Who::Outsider, &format!("{badge}?branch=%0A")).await;
        assert_snapshot!("badge_of_no_branch", no_branch);
    });
}

#[test]
fn members_run_if_the_project_lets_them_and_readers_never_do() {
    with_world(async |app, face| {
        let stop = || Request::post(&runs("/1/stop"));
        let refused = face.send(Who::Member, stop()).await;
        assert_snapshot!("forbidden", refused);
        members_can_run(&app).await;
        assert_eq!(face.send(Who::Outsider, stop()).await.outcome(), "403 forbidden");
        face.send(Who::Member, stop()).await.expect(204);
        let refused = Request::post(&runs("/1/tasks/deploy/refuse")).json(&json!({}));
        let refused = face.send(Who::Member, refused).await;
        assert_snapshot!("not_waiting", refused);
        // Logs are the owners'.
        let delete = || Request::delete(&runs("/3/tasks/build/logs"));
        assert_eq!(face.send(Who::Member, delete()).await.outcome(), "403 forbidden");
        face.send(Who::Owner, delete()).await.expect(204);
        let deleted = face.get(Who::Owner, &runs("/3/tasks/build/logs/0")).await;
        assert_snapshot!("log_deleted", deleted);
    });
}

#[test]
fn the_approver_is_the_caller_whatever_the_body_says() {
    with_world(async |app, face| {
        members_can_run(&app).await;
        let approve = |body: Value| Request::post(&runs("/1/tasks/deploy/approve")).json(&body);
        let forged = face.send(Who::Member, approve(json!({ "approver": "alice" }))).await;
        assert_snapshot!("approver_in_the_body", forged);
        let long = json!({ "comment": "x".repeat(256) });
        assert_snapshot!("long_comment", face.send(Who::Member, approve(long)).await);
        let said = json!({ "comment": "looks good" });
        face.send(Who::Member, approve(said)).await.expect(204);
        let run = shown(&face, 1).await;
        let approval = &task(&run, "deploy")["approval"];
        assert_eq!(
            (&approval["approver"], &approval["comment"]),
            (&json!("mike"), &json!("looks good"))
        );
        face.send(Who::Member, approve(json!({}))).await.expect(204);
        let other = face.send(Who::Owner, approve(json!({}))).await;
        assert_snapshot!("decided", other);
    });
}

/// Makes a run past the gateway, as the gateway would have for this creator.
async fn made_by(app: &TestApp, creator: &Value) -> u64 {
    let project = app.get(PROJECT).await.expect(200).field("id");
    let deploy = json!({ "steps": [], "approval": { "forbid_creator": true } });
    let name = creator["creator"].as_str().expect("a creator has a name").replace(' ', "-");
    let new = json!({
        "project": project,
        "group": format!("/project/{project}/branch/{name}"),
        "name": "main",
        "tasks": { "deploy": deploy },
        "annotations": creator,
    });
    let made = app.instance(2).send(Request::post("/api/v1/runs").json(&new)).await.expect(201);
    made.json()["number"].as_u64().expect("a run has a number")
}

#[test]
fn the_creator_of_a_run_may_not_approve_if_the_task_says_so() {
    with_world(async |app, face| {
        let alice = app.get("/api/v1/users/alice").await.expect(200).field("id");
        let by_alice = json!({ "creator": "alice-of-then", "creator_id": alice });
        for (creator, itself, other) in [
            (by_alice, Who::Owner, Who::AdminToken),
            (json!({ "creator": "admin token" }), Who::AdminToken, Who::Owner),
        ] {
            let number = made_by(&app, &creator).await;
            let decide = |what: &str| {
                Request::post(&runs(&format!("/{number}/tasks/deploy/{what}"))).json(&json!({}))
            };
            let own = face.send(itself, decide("approve")).await;
            assert_eq!(own.outcome(), "403 forbidden", "{own}");
            assert!(own.field("message").contains("creator"), "{own}");
            face.send(other, decide("approve")).await.expect(204);
        }
    });
}

#[test]
fn a_run_of_another_project_is_not_there() {
    with_world(async |app, face| {
        let new = json!({ "name": "other", "parent": "org/acme/open", "visibility": "public" });
        face.send(Who::Owner, Request::post("/api/v1/projects").json(&new)).await.expect(201);
        let other = format!("/api/v1/projects/{}/runs", escaped("org/acme/open/other"));
        let listed = face.get(Who::Owner, &other).await.expect(200).json();
        assert_eq!(listed["items"], json!([]));
        for request in [
            Request::get(&format!("{other}/1")),
            Request::get(&format!("{other}/1/tasks/build")),
            Request::get(&format!("{other}/1/tasks/build/logs/0")),
            Request::get(&format!("{other}/3/tasks/build/archives/1")),
            Request::post(&format!("{other}/1/stop")),
            Request::post(&format!("{other}/3/restart")).json(&json!({ "from": "start" })),
            Request::delete(&format!("{other}/3/tasks/build/logs")),
        ] {
            let answer = face.send(Who::Owner, request).await;
            assert_eq!(answer.outcome(), "404 run_not_exist", "{answer}");
        }
        let id = app.instance(2).send(Request::get("/api/v1/runs")).await.json();
        let id = id["items"][0]["id"].as_str().expect("a run has an id").to_owned();
        let by_id = face.get(Who::Owner, &runs(&format!("/{id}"))).await;
        assert_eq!(by_id.outcome(), "400 invalid_ref", "numbers only: {by_id}");
    });
}

#[test]
fn a_change_that_the_phase_does_not_allow() {
    with_world(async |_, face| {
        for (what, path) in
            [("stop_of_a_final_run", "/3/stop"), ("cancel_of_a_running_run", "/1/cancel")]
        {
            assert_snapshot!(what, face.send(Who::Owner, Request::post(&runs(path))).await);
        }
        let restart = |number: u64, from: &str| {
            Request::post(&runs(&format!("/{number}/restart"))).json(&json!({ "from": from }))
        };
        assert_snapshot!(
            "restart_of_a_running_run",
            face.send(Who::Owner, restart(1, "start")).await
        );
        assert_snapshot!("restart_from_nothing", face.send(Who::Owner, restart(3, "failed")).await);
        let live = Request::delete(&runs("/1/tasks/build/logs"));
        assert_snapshot!("log_is_live", face.send(Who::Owner, live).await);
        let absent = face.get(Who::Owner, &runs("/1/tasks/build/logs/0?attempt=7")).await;
        assert_snapshot!("no_attempt", absent);
        for (what, path) in [
            ("no_archive", "/3/tasks/build/archives/0"),
            ("no_attempt_with_an_archive", "/3/tasks/build/archives/1?attempt=7"),
            ("never_started_to_save", "/1/tasks/deploy/archives/0"),
            ("no_task_with_an_archive", "/3/tasks/nothing/archives/1"),
        ] {
            assert_snapshot!(what, face.get(Who::Owner, &runs(path)).await);
        }
        let absent = Request::delete(&runs("/1/tasks/deploy/logs"));
        assert_snapshot!("never_started", face.send(Who::Owner, absent).await);
    });
}

#[test]
fn a_restart_is_a_new_run_with_a_path_at_the_gateway() {
    with_world(async |_, face| {
        let restart = || {
            let restart = Request::post(&runs("/3/restart")).json(&json!({ "from": "start" }));
            restart.header("idempotency-key", "one")
        };
        let restarted = face.send(Who::Owner, restart()).await;
        assert_snapshot!("restarted", restarted);
        let location = restarted.header("location").expect("a creation has one").to_owned();
        let shown = face.get(Who::Outsider, &location).await.expect(200);
        assert_eq!(shown.json(), restarted.json());
        let again = face.send(Who::Owner, restart()).await;
        assert_eq!((again.json(), again.header("location")), (restarted.json(), Some(&*location)));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        // The same key of another caller is another key.
        let other = face.send(Who::AdminUser, restart()).await.expect(201);
        assert_ne!(other.json()["number"], restarted.json()["number"]);
    });
}

#[test]
fn runservice_in_maintenance_or_away_is_503_and_says_which() {
    with_world(async |app, face| {
        let behind = app.instance(2);
        behind.send(Request::put("/api/v1/maintenance?wait=30s")).await.expect(200);
        let in_maintenance = face.get(Who::Outsider, &runs("/1")).await;
        assert_snapshot!("in_maintenance", in_maintenance);
        let stop = face.send(Who::Owner, Request::post(&runs("/1/stop"))).await;
        assert_eq!(stop.outcome(), "503 maintenance, retry after 1 s");
        app.stop(2);
        until(async || behind.try_send(Request::get("/livez")).await.is_err()).await;
        for request in [
            Request::get(&runs("")),
            Request::get(&runs("/events")),
            Request::get(&runs("/1/tasks/build/logs/0")),
            Request::get(&format!("{PROJECT}/badge.svg")),
            Request::post(&runs("/1/stop")),
        ] {
            let away = face.send(Who::Owner, request).await;
            assert_eq!(away.outcome(), "503 unavailable, retry after 1 s", "{away}");
        }
        // Whoever may not see the project learns nothing of that.
        let hidden = face.get(Who::Outsider, "/api/v1/projects/org%2Fvault%2Fnothing/runs/1").await;
        assert_eq!(hidden.outcome(), "404 project_not_exist");
    });
}

#[test]
fn operators_manage_executors_and_the_gate_while_configstore_is_in_maintenance() {
    with_world(async |app, face| {
        app.maintenance_on().await;
        let new = Request::post("/api/v1/executors").json(&json!({ "name": "arm-1" }));
        let made = face.send(Who::AdminToken, new).await;
        assert_snapshot!("registered", made);
        let token = made.field("token");
        let drain = Request::put("/api/v1/executors/arm-1").json(&json!({ "drain": true }));
        let drained = face.send(Who::AdminToken, drain).await.expect(200);
        assert_eq!(drained.json()["drain"], true);
        assert!(!drained.text().contains(&token), "a token is shown once");
        let listed = face.get(Who::AdminToken, "/api/v1/executors?limit=2").await.expect(200);
        assert!(!listed.text().contains(&token));
        assert_snapshot!("executors", listed);
        face.send(Who::AdminToken, Request::delete("/api/v1/executors/arm-1")).await.expect(204);
        assert_snapshot!("gate", face.get(Who::AdminToken, "/api/v1/gates/resume").await);
    });
}

/// Answers a look for a run with this text, and every change with this refusal.
async fn refusing(app: &TestApp, found: String, status: u16, code: &str) {
    let mut listener = app.net().listen("runservice-2:8001").await.expect("the address is free");
    let refusal = format!(r#"{{"code":"{code}","message":"an internal word"}}"#);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 16 * 1024];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let (status, body) = match head[..read].starts_with(b"GET ") {
                true => (200, &found),
                false => (status, &refusal),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            let _gone = stream.write_all(answer.as_bytes()).await;
        }
    });
}

#[test]
fn what_runservice_refuses_in_a_race_is_told_in_the_gateways_words() {
    let found = run(async {
        let (_app, face) = runs_world().await;
        face.get(Who::Owner, &runs("/3")).await.expect(200).text().to_owned()
    });
    let mut table = Table::default();
    for (path, status, code) in [
        ("/3/restart", 409, "archives_expired"),
        ("/3/restart", 404, "run_not_exist"),
        ("/3/restart", 429, "too_many_requests"),
        ("/3/stop", 404, "run_not_exist"),
        ("/3/tasks/build/approve", 404, "task_not_exist"),
    ] {
        run(async {
            let (app, face) = small_world().await;
            refusing(&app, found.clone(), status, code).await;
            let body =
                if path.ends_with("restart") { json!({ "from": "start" }) } else { json!({}) };
            let answer = face.send(Who::Owner, Request::post(&runs(path)).json(&body)).await;
            assert_eq!(answer.field("code"), code, "{answer}");
            assert!(!answer.text().contains("internal word"), "{answer}");
            let fits = |spec: &&Spec| spec.method == "POST" && fits(spec.path, &runs(path));
            table.add(specs().iter().find(fits).expect("there is such a row"), &answer);
        });
    }
    assert_snapshot!("refused", table.text());
}
