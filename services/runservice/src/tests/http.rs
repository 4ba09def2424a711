//! Runservice over HTTP: what a caller and an executor see.

use std::collections::BTreeMap;

use drydock_http::server::HttpSettings;
use drydock_http::testing::harness::Served;
use drydock_http::testing::wire::{Raw, Wire};
use drydock_runtime::Service;
use object_store::path::Path;
use serde_json::{Value, json};

use super::harness::{TestRuns, id, project};
use crate::{Runservice, RunserviceState};

pub struct TestHttp {
    pub served: Served<RunserviceState>,
    pub runs: TestRuns,
}

impl TestHttp {
    pub async fn start() -> TestHttp {
        let runs = TestRuns::start().await;
        let (logs, tails) = runs.logs();
        let state = RunserviceState {
            archives: runs.archives(),
            caches: runs.caches(),
            logs,
            tails,
            store: runs.store.clone(),
            keys: runs.encryptor.keys.clone(),
            settings: runs.settings.clone(),
            events: tokio::sync::watch::Sender::new(None),
            liveness: runs.liveness.clone(),
            waiters: crate::waiters::Waiters::default(),
        };
        let served = Served::new(HttpSettings::default(), Runservice::routes(), state).await;
        TestHttp { served, runs }
    }

    /// Sends a request such as `POST /runs 201`, checks the status, and returns the answer.
    pub async fn send(&self, line: &str, body: &Value, token: Option<&str>) -> Raw {
        let [method, path, status] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let mut wire = Wire::clone(&self.served);
        if let Some(token) = token {
            wire.token = token.to_owned();
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = wire.ask_json(method, &format!("/api/v1{path}"), &body).await;
        assert_eq!(answer.status.to_string(), status, "{line}: {}", answer.body);
        answer
    }

    pub async fn expect(&self, line: &str, body: &Value) -> Value {
        self.send(line, body, None).await.json()
    }

    /// As `expect`, for an answer without a body.
    pub async fn done(&self, line: &str, body: &Value) {
        self.send(line, body, None).await;
    }

    /// Sends a request such as `POST /runs 400 invalid_body`, and checks status and code.
    pub async fn refuse(&self, line: &str, body: &Value) {
        let (line, code) = line.rsplit_once(' ').unwrap();
        let answer = self.send(line, body, None).await;
        assert_eq!(answer.error().1, code, "{line}: {}", answer.body);
    }

    /// Registers an executor, sends its first heartbeat, and returns its token.
    pub async fn executor(&self, name: &str) -> String {
        let new = self.expect("POST /executors 201", &json!({"name": name})).await;
        let token = new["token"].as_str().unwrap().to_owned();
        let beat = json!({"session": 1, "limit": 1});
        self.send("PUT /executors/self 200", &beat, Some(&token)).await;
        token
    }
}

pub fn new_run(tasks: Value) -> Value {
    json!({"project": project(7), "name": "main", "tasks": tasks})
}

pub fn claim(nth: u128) -> Value {
    json!({"claim": id(nth), "session": 1})
}

/// An archive that the second step of an attempt has saved.
pub async fn stored_archive(http: &TestHttp, attempt: &str) -> Value {
    let (store, object) = (&http.runs.store, format!("archives/{attempt}/1-abc.tar.zst"));
    let key = Path::from(format!("{}/{object}", store.object_keys().all()));
    store.objects().put(&key, "abc".into()).await.unwrap();
    json!({"object": object, "size": 3, "blake3": "ab".repeat(32)})
}

#[tokio::test]
async fn a_claim_says_which_values_logs_may_show() {
    let http = TestHttp::start().await;
    let token = http.executor("one").await;
    let mut new = new_run(json!({"a": {"steps": [{"run": {"command": "make"}}]}}));
    new["environment"] = json!({"TOKEN": "s3cret", "MODE": "release"});
    new["variables"] = json!({"TOKEN": "the-token"});
    http.send("POST /runs 201", &new, None).await;
    let claimed = http.send("POST /executors/self/claims 201", &claim(50), Some(&token)).await;
    let claimed = claimed.json();
    assert_eq!(claimed["environment"], new["environment"]);
    assert_eq!(claimed["unmasked"], json!(["MODE"]));
}

#[tokio::test]
async fn a_run_from_its_creation_to_its_end() {
    let http = TestHttp::start().await;
    let token = http.executor("one").await;
    let mut new = new_run(json!({
        "a": {"steps": [{"run": {"command": "make"}}, {"save": {"paths": ["x"]}}]},
        "b": {"steps": [{"restore": {}}], "depends": [{"a": "always"}], "labels": ["gpu"]},
    }));
    new["environment"] = json!({"TOKEN": "s3cret"});
    let created = http.send("POST /runs 201", &new, None).await;
    assert!(!created.body.contains("s3cret"));
    let run = created.json();
    let path = format!("/runs/{}", run["id"].as_str().unwrap());
    assert_eq!(created.header("location"), Some(&*format!("/api/v1{path}")));
    assert_eq!((&run["number"], &run["phase"]), (&json!(1), &json!("running")));
    let by_number = format!("GET /runs/by_number?project={}&number=1 200", project(7));
    assert_eq!(http.expect(&by_number, &Value::Null).await, run);
    let claimed = http.send("POST /executors/self/claims 201", &claim(50), Some(&token)).await;
    let claimed = claimed.json();
    assert_eq!(claimed["environment"], json!({"TOKEN": "s3cret"}));
    assert_eq!(claimed["task"]["name"], "a");
    assert_eq!(claimed["task"]["steps"][0], json!({"run": {"command": "make"}}));
    assert_eq!(claimed["remaining_ms"], 3_600_000);
    let again = http.send("POST /executors/self/claims 201", &claim(50), Some(&token)).await;
    assert_eq!(again.json(), claimed);
    http.send("POST /executors/self/claims 204", &claim(51), Some(&token)).await;
    let attempt = claimed["attempt"]["id"].as_str().unwrap();
    let archive = stored_archive(&http, attempt).await;
    let ok = json!({"exit": {"code": 0}});
    let status = json!({"phase": "success", "steps": [ok, ok], "archives": {"1": archive}});
    let own = format!("/executors/self/attempts/{attempt}");
    let bad = json!({"phase": "success"});
    let bad = http.send(&format!("PUT {own} 400"), &bad, Some(&token)).await;
    assert_eq!(bad.error().1, "bad_status");
    for _ in 0..2 {
        let ended = http.send(&format!("PUT {own} 200"), &status, Some(&token)).await;
        assert_eq!(ended.json()["phase"], "success");
    }
    let other = json!({"phase": "failed", "reason": "timeout"});
    let stale = http.send(&format!("PUT {own} 409"), &other, Some(&token)).await;
    assert_eq!(stale.error().1, "stale_attempt");
    let run = http.expect(&format!("GET {path} 200"), &Value::Null).await;
    let tasks: BTreeMap<_, _> = run["tasks"]
        .as_object()
        .unwrap()
        .values()
        .map(|task| (task["name"].as_str().unwrap(), task))
        .collect();
    assert_eq!(tasks["a"]["status"], "success");
    assert_eq!(tasks["b"]["waiting_for"]["for"], "labels");
    assert_eq!(tasks["b"]["waiting_for"]["missing"], json!(["gpu"]));
    // The label comes, and with it the task, with what it is to restore.
    let beat = json!({"session": 1, "limit": 1, "labels": ["gpu"]});
    http.send("PUT /executors/self 200", &beat, Some(&token)).await;
    let claimed = http.send("POST /executors/self/claims 201", &claim(52), Some(&token)).await;
    assert_eq!(claimed.json()["restore"][0]["archive"], archive);
    let attempt = claimed.json()["attempt"]["id"].as_str().unwrap().to_owned();
    http.done(&format!("POST {path}/stop 204"), &Value::Null).await;
    let beat = json!({
        "session": 1, "limit": 1, "labels": ["gpu"],
        "held": [{"attempt": attempt, "state": "spawned"}],
    });
    let told = http.send("PUT /executors/self 200", &beat, Some(&token)).await.json();
    assert_eq!(told["stop"][0]["attempt"], json!(attempt));
    let own = format!("/executors/self/attempts/{attempt}");
    http.send(&format!("PUT {own} 200"), &json!({"phase": "stopped"}), Some(&token)).await;
    let run = http.expect(&format!("GET {path} 200"), &Value::Null).await;
    assert_eq!((&run["phase"], &run["result"]), (&json!("finished"), &json!("stopped")));
    http.refuse(&format!("POST {path}/stop 409 wrong_phase"), &Value::Null).await;
    let from = json!({"restart_of": run["id"], "from": "failed"});
    let again = http.expect("POST /runs 201", &from).await;
    assert_eq!((&again["number"], &again["restart_of"]), (&json!(2), &run["id"]));
}

#[tokio::test]
async fn tokens_open_their_own_routes_only() {
    let http = TestHttp::start().await;
    let token = http.executor("one").await;
    let beat = json!({"session": 1, "limit": 1});
    // The internal token is no executor's, and an executor's is not the internal one.
    http.refuse("PUT /executors/self 401 unauthorized", &beat).await;
    let answer = http.send("GET /runs 401", &Value::Null, Some(&token)).await;
    assert_eq!(answer.error().1, "unauthorized");
    let shown = http.send("GET /executors/one 200", &Value::Null, None).await;
    assert!(!shown.body.contains(&token) && !shown.body.contains("hash"), "{}", shown.body);
    http.done("DELETE /executors/one 204", &Value::Null).await;
    let answer = http.send("PUT /executors/self 401", &beat, Some(&token)).await;
    assert_eq!(answer.error().1, "unauthorized");
    assert_eq!(http.runs.read(|tx| Ok(crate::model::executor::serving(tx)?)).await, []);
}

#[tokio::test]
async fn bad_bodies_are_refused_and_name_the_field() {
    let http = TestHttp::start().await;
    let token = http.executor("one").await;
    let tasks = json!({"a": {"steps": []}});
    let with = |key: &str, value: Value| {
        let mut new = new_run(tasks.clone());
        new[key] = value;
        new
    };
    let other = format!("/project/{}", project(8));
    for (body, field) in [
        (with("more", json!(1)), "more"),
        (with("tasks", json!({"a": {"steps": [], "more": 1}})), "more"),
        (with("tasks", Value::Null), "tasks"),
        (with("name", json!("")), "name"),
        (with("group", json!("/user/x")), "group"),
        (with("group", json!(other)), "group"),
        (with("priority", json!(101)), "priority"),
        (with("from", json!("start")), "from"),
        (with("environment", json!({"A B": "x"})), "environment"),
        (with("restart_of", json!(id(9))), "from"),
        (json!({"restart_of": id(9), "from": "start", "name": "x"}), "restart_of"),
    ] {
        let answer = http.send("POST /runs 400", &body, None).await;
        assert_eq!(answer.error().1, "invalid_body", "{body}");
        assert!(answer.body.contains(field), "{body}: {}", answer.body);
    }
    for (body, field) in [
        (json!({"session": 0, "limit": 1}), "session"),
        (json!({"session": 1, "limit": 0}), "limit"),
        (json!({"session": 1, "limit": 1, "labels": ["a b"]}), "labels"),
        (json!({"session": 1, "limit": 1, "held": [{"attempt": "x", "state": "spawned"}]}), "held"),
    ] {
        let answer = http.send("PUT /executors/self 400", &body, Some(&token)).await;
        assert_eq!(answer.error().1, "invalid_body", "{body}");
        assert!(answer.body.contains(field), "{body}: {}", answer.body);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_said_so() {
    let http = TestHttp::start().await;
    let token = http.executor("one").await;
    let nobody = id(99);
    for line in [
        format!("GET /runs/{nobody} 404 run_not_exist"),
        format!("GET /runs/by_number?project={nobody}&number=1 404 run_not_exist"),
        format!("POST /runs/{nobody}/cancel 404 run_not_exist"),
        format!("GET /executors/{nobody} 404 executor_not_exist"),
        "DELETE /executors/nobody 404 executor_not_exist".to_owned(),
        "GET /runs/x 400 invalid_ref".to_owned(),
    ] {
        http.refuse(&line, &Value::Null).await;
    }
    let line = format!("GET /executors/self/attempts/{nobody} 404");
    let answer = http.send(&line, &Value::Null, Some(&token)).await;
    assert_eq!(answer.error().1, "attempt_not_exist");
    http.refuse("POST /executors 409 executor_already_exists", &json!({"name": "one"})).await;
}

#[tokio::test]
async fn lists_are_filtered_and_in_order() {
    let http = TestHttp::start().await;
    for nth in 7..9 {
        for _ in 0..2 {
            let mut new = new_run(json!({"a": {"steps": []}}));
            new["project"] = json!(project(nth));
            http.expect("POST /runs 201", &new).await;
        }
    }
    let numbers = async |query: String| {
        let page = http.expect(&format!("GET /runs{query} 200"), &Value::Null).await;
        let items = page["items"].as_array().unwrap().clone();
        let told = |run: &Value| format!("{}{}", run["number"], run["phase"]);
        let told: Vec<_> = items.iter().map(told).collect();
        (told.join(" ").replace('"', ""), page["next_cursor"].clone())
    };
    let all = "1running 2queued 1running 2queued";
    assert_eq!(numbers(String::new()).await.0, all);
    assert_eq!(numbers("?phase=queued&order=desc".to_owned()).await.0, "2queued 2queued");
    let (first, cursor) = numbers("?limit=3".to_owned()).await;
    let (rest, end) = numbers(format!("?limit=3&cursor={}", cursor.as_str().unwrap())).await;
    assert_eq!(format!("{first} {rest}"), all);
    assert!(end.is_null());
    let group = format!("?group=%2Fproject%2F{}", project(8));
    assert_eq!(numbers(group).await.0, "1running 2queued");
}

#[tokio::test]
async fn a_task_is_approved_over_http() {
    let http = TestHttp::start().await;
    let new = new_run(json!({"a": {"steps": [], "approval": {}}}));
    let run = http.expect("POST /runs 201", &new).await;
    let task = run["tasks"].as_object().unwrap().values().next().unwrap();
    assert_eq!(task["waiting_for"]["for"], "approval");
    let path = format!("/runs/{}/tasks/a", run["id"].as_str().unwrap());
    let alice = json!({"approver": "alice"});
    http.done(&format!("POST {path}/approve 204"), &alice).await;
    http.done(&format!("POST {path}/approve 204"), &alice).await;
    http.refuse(&format!("POST {path}/refuse 409 wrong_phase"), &alice).await;
    http.refuse(&format!("POST {path}x/refuse 404 task_not_exist"), &alice).await;
    http.refuse(&format!("POST {path}/approve 400 invalid_body"), &json!({"approver": ""})).await;
}
