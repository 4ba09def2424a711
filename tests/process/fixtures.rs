//! The fixtures of the current versions of the schemas, written by the real binary.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use drydock::config::tokens;
use drydock_backends::embedded::Embedded;
use drydock_backends::tcp::TcpNet;
use drydock_configstore::schema::SCHEMA as CONFIGSTORE;
use drydock_core::db::Execution;
use drydock_core::env::SystemClock;
use drydock_runservice::schema::SCHEMA as RUNSERVICE;
use drydock_tests::app::{KEYS, seed_tree};
use drydock_tests::client::{Client, Request};
use drydock_tests::fixtures::{Fixture, types};
use drydock_tests::run::pass;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Set to `write`: the fixtures are written anew.
const VARIABLE: &str = "FIXTURES";
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// `serve all` with an executor, in a folder of its own.
struct Process {
    child: Child,
    configstore: Client,
    runservice: Client,
}

impl Process {
    async fn start(data: &Path) -> Process {
        std::fs::create_dir_all(data).unwrap();
        std::fs::write(data.join("encryption.keys"), KEYS).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_drydock-under-test"));
        command.env_clear().env("PATH", "/usr/bin:/bin").kill_on_drop(true);
        for (name, value) in [
            ("STORE_DURABILITY", "archived"),
            ("STORE_INLINE_BYTES", "1500"),
            ("STORE_TASKS_ARCHIVE_PERIOD_MS", "100"),
            ("STORE_TASKS_CHECKPOINT_PERIOD_MS", "500"),
            ("STORE_TASKS_CHECKPOINT_COMMITS", "8"),
            ("STORE_TASKS_WINDOW_COMMITS", "3"),
        ] {
            command.env(format!("DRYDOCK_{name}"), value);
        }
        command.args(["serve", "all", "--executor", "--data-dir"]).arg(data);
        for service in ["configstore", "runservice", "gateway"] {
            command.arg(format!("--{service}-listen")).arg("127.0.0.1:0");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut listens = async |service: &str| {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
            let line = line.unwrap().unwrap().expect("a line for each service");
            line.strip_prefix(&format!("{service} listens on http://")).expect(&line).to_owned()
        };
        let (configstore, runservice) = (listens("configstore").await, listens("runservice").await);
        let token = tokens::read(data).unwrap().internal;
        let client = |address| Client { net: Arc::new(TcpNet), address, token: token.clone() };
        let (configstore, runservice) = (client(configstore), client(runservice));
        let process = Process { child, configstore, runservice };
        for client in [&process.configstore, &process.runservice] {
            until(async || client.send(Request::get("/readyz")).await.status == 200).await;
        }
        process
    }

    async fn stop(mut self) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").arg(&pid).status().await.unwrap().success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        assert!(ended.unwrap().unwrap().success());
    }
}

async fn until(mut done: impl AsyncFnMut() -> bool) {
    let looks = async {
        while !done().await {
            pass(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(PATIENCE, looks).await.expect("it comes about");
}

async fn create(client: &Client, path: &str, body: &Value) -> Value {
    let request = Request::post(&format!("/api/v1/{path}")).json(body);
    let key = format!("of-{}", path.replace(['/', '%'], "-"));
    let request = request.header("idempotency-key", &key);
    let answer = client.send(request).await;
    assert!(answer.status.is_success(), "{answer}");
    answer.json()
}

/// One object of each type of configstore.
async fn fill_configstore(client: &Client) {
    create(client, "users", &json!({ "name": "alice" })).await;
    let acme = json!({ "name": "acme", "visibility": "public", "owner": "alice" });
    create(client, "orgs", &acme).await;
    seed_tree(client).await;
    let account = json!({
        "remote_source": "forge",
        "remote_user_id": "7",
        "remote_user_name": "alice",
    });
    create(client, "users/alice/linked_accounts", &account).await;
    // A commit whose changes are an object of their own.
    let long = "x".repeat(40);
    let value = |nth| json!({ "secret_name": format!("s-{nth}-{long}"), "secret_var": "key" });
    let values = (0..15).map(value);
    let many = json!({ "name": "many", "values": values.collect::<Vec<_>>() });
    create(client, "projects/org%2Facme%2Fweb%2Fsite/variables", &many).await;
    for nth in 0..12 {
        let user = Request::post("/api/v1/users").json(&json!({ "name": format!("user-{nth}") }));
        client.send(user).await.expect(201);
    }
}

/// A run that has ended, one that waits for an approval, and a resume gate.
async fn fill_runservice(client: &Client) {
    let run = |deploy: Value| {
        let build = json!({ "steps": [{ "run": { "command": "echo built" } }], "timeout": "20m" });
        json!({
            "project": "01900000-0000-7000-8000-000000000001",
            "name": "main",
            "environment": { "SECRET": "a secret of the tests" },
            "cache": { "read": ["branch/topic", "branch/main"], "write": "branch/topic" },
            "tasks": { "build": build, "deploy": deploy },
        })
    };
    let ended = create(client, "runs", &run(json!({ "steps": [], "depends": ["build"] }))).await;
    let path = format!("/api/v1/runs/{}", ended["id"].as_str().unwrap());
    until(async || client.send(Request::get(&path)).await.json()["phase"] == "finished").await;
    client.send(Request::put("/api/v1/maintenance?wait=30s").json(&json!({}))).await.expect(200);
    client.send(Request::delete("/api/v1/maintenance?wait=30s")).await.expect(204);
    until(async || client.send(Request::get("/readyz")).await.status == 200).await;
    let waits = run(json!({ "steps": [], "approval": {} }));
    let waits = Request::post("/api/v1/runs").json(&waits);
    let waits = client.send(waits).await.expect(201).json();
    let path = format!("/api/v1/runs/{}", waits["id"].as_str().unwrap());
    let is_built = async || {
        let run = client.send(Request::get(&path)).await.json();
        let mut tasks = run["tasks"].as_object().unwrap().values();
        tasks.any(|task| task["name"] == "build" && task["status"] == "success")
    };
    until(is_built).await;
}

/// The newest checkpoint and the newest segments are in objects by then.
async fn archived(client: &Client) {
    let done = async || {
        let metrics = client.send(Request::get("/metrics")).await;
        let value = |name: &str| {
            let line = metrics.text().lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse::<u64>().ok())
        };
        value("drydock_store_checkpoints_total").is_some_and(|count| count > 0)
            && value("drydock_store_archived ") == value("drydock_store_position ")
    };
    until(done).await;
}

/// With `FIXTURES=write` the fixtures are written anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fixtures_of_the_current_versions_hold_what_the_program_writes() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let process = Process::start(&data).await;
    fill_configstore(&process.configstore).await;
    fill_runservice(&process.runservice).await;
    let mut exports = Vec::new();
    for client in [&process.configstore, &process.runservice] {
        archived(client).await;
        let export = client.send(Request::get("/api/v1/export")).await.expect(200);
        exports.push(export.text().to_owned());
    }
    process.stop().await;
    let clock = Arc::new(SystemClock::default());
    let file = data.join("coordination.redb");
    let keys = Embedded::open(&file, clock, Execution::Inline).unwrap();
    for (schema, export) in [&CONFIGSTORE, &RUNSERVICE].into_iter().zip(exports) {
        let fixture = Fixture::of(schema.service, schema.version);
        if std::env::var_os(VARIABLE).is_some_and(|value| value == "write") {
            let prefix = format!("default/{}", schema.service);
            fixture.write(&export, &prefix, &keys, &data.join("objects")).await;
        }
        assert_eq!(types(&fixture.export()), types(&export), "{}", schema.service);
    }
}
