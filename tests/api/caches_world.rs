//! A runservice whose runs have caches, and the requests of their executor.

use std::time::Duration;

use drydock_runservice::{Runservice, Settings};
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::{Client, Exchange, Request};
use drydock_tests::run::{pass, run, until};
use drydock_tests::runs::{PROJECT, RunsApp, upload_query};
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};

pub const OTHER_PROJECT: &str = "01900000-0000-7000-8000-000000000002";

/// A service, and the runs that were started there.
pub struct World {
    pub runs: RunsApp,
    pub linux: Client,
    pub started: u32,
}

/// A run whose one task runs.
pub struct Job {
    pub run: String,
    pub attempt: String,
}

pub fn with_settings(given: Settings, test: impl AsyncFnOnce(World)) {
    run(async {
        let mut app = TestApp::new();
        app.add_service(Runservice::new(given), settings()).await;
        app.ready().await;
        let mut runs = RunsApp::of(app);
        runs.register("linux").await;
        let linux = runs.executor("linux");
        let world = World { runs, linux, started: 0 };
        world.beat().await;
        test(world).await;
    });
}

pub fn with_world(test: impl AsyncFnOnce(World)) {
    with_settings(Settings::default(), test);
}

pub fn writing(scope: &str) -> Value {
    json!({ "read": [scope, "branch/main"], "write": scope })
}

/// Main reads and writes its own scope alone.
pub fn main() -> Value {
    json!({ "read": ["branch/main"], "write": "branch/main" })
}

pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl World {
    /// A run of the project, with this part of its cache.
    pub async fn start(&mut self, project: &str, cache: Option<Value>) -> Job {
        self.started += 1;
        let mut new = json!({
            "project": project,
            "group": format!("/project/{project}/run/{}", self.started),
            "name": "main",
            "annotations": { "branch": "topic", "commit_sha": "0123abc" },
            "tasks": { "build": { "steps": [{ "run": { "command": "make" } }] } },
        });
        if let Some(cache) = cache {
            new["cache"] = cache;
        }
        let made = self.runs.create(&new).await;
        let claim = format!("01900000-0000-7000-8000-0000000001{:02}", self.started);
        let claimed = self.runs.claim("linux", &claim).await.expect(201).json();
        let attempt = claimed["attempt"]["id"].as_str().expect("an attempt has an id").to_owned();
        Job { run: made.field("id"), attempt }
    }

    pub async fn job(&mut self, cache: Value) -> Job {
        self.start(PROJECT, Some(cache)).await
    }

    pub async fn find(&self, job: &Job, keys: &[&str]) -> Exchange {
        self.linux.send(finding(job, keys)).await
    }

    /// The bytes that the keys find; empty: none.
    pub async fn found(&self, job: &Job, keys: &[&str]) -> String {
        let found = self.find(job, keys).await;
        match found.status.as_u16() {
            204 => String::new(),
            _ => found.expect(200).text().to_owned(),
        }
    }

    pub async fn save(&self, job: &Job, key: &str, bytes: &str) -> Exchange {
        self.linux.send(saving(job, key, bytes)).await
    }

    pub async fn end(&self, job: &Job) {
        let end = json!({ "phase": "success", "steps": [{ "exit": { "code": 0 } }] });
        self.linux.send(Request::put(&own(job)).json(&end)).await.expect(200);
    }

    pub async fn list(&self) -> Vec<Value> {
        let listed = self.runs.app.get(&format!("/api/v1/projects/{PROJECT}/caches")).await;
        listed.expect(200).json()["items"].as_array().expect("a page has items").clone()
    }

    pub async fn keys(&self) -> Vec<String> {
        let keys = self.list().await.into_iter();
        keys.map(|entry| entry["key"].as_str().expect("an entry has a key").to_owned()).collect()
    }

    /// The objects of caches in object storage.
    pub async fn objects(&self) -> Vec<Path> {
        let listed = self.runs.app.objects.list(None).try_collect::<Vec<_>>().await;
        let keys = listed.expect("the store answers").into_iter().map(|meta| meta.location);
        keys.filter(|key| key.as_ref().contains("/caches/")).collect()
    }

    pub async fn lose_objects(&self) {
        for key in self.objects().await {
            self.runs.app.objects.delete(&key).await.expect("it is there");
        }
    }

    pub async fn beat(&self) {
        let beat = Request::put("/api/v1/executors/self");
        let beat = beat.json(&json!({ "session": 1, "limit": 100 }));
        self.linux.send(beat).await.expect(200);
    }

    /// Lets time pass, in which the executor lives.
    pub async fn live(&self, seconds: u64) {
        for _ in 0..seconds / 50 {
            pass(Duration::from_secs(50)).await;
            self.beat().await;
        }
    }

    /// The same until this holds.
    pub async fn live_until(&self, holds: impl AsyncFn() -> bool) {
        while !holds().await {
            self.live(50).await;
        }
    }

    /// Waits until a use of the first entry is committed.
    pub async fn noted(&self) -> Vec<Value> {
        let first = async || self.list().await.remove(0);
        until(async || first().await["last_used_at"] != first().await["created_at"]).await;
        self.list().await
    }

    pub async fn export_and_import(&self) {
        let export = self.runs.app.export().await;
        self.runs.app.maintenance_on().await;
        let import = Request::post("/api/v1/import").body(export);
        self.runs.app.send(import).await.expect(200);
        self.runs.app.maintenance_off().await;
    }
}

pub fn own(job: &Job) -> String {
    format!("/api/v1/executors/self/attempts/{}", job.attempt)
}

pub fn finding(job: &Job, keys: &[&str]) -> Request {
    Request::get(&format!("{}/caches?keys={}", own(job), encoded(&keys.join("\n"))))
}

pub fn saving(job: &Job, key: &str, bytes: &str) -> Request {
    let path = format!("{}/caches{}&key={}", own(job), upload_query(bytes), encoded(key));
    Request::post(&path).header("content-type", "application/octet-stream").body(bytes.to_owned())
}
