//! A runservice in memory, with executors, and with runs in the middle of their work.

use std::collections::BTreeMap;

use drydock_http::api::endpoint::{Access, BodyRule, Spec};
use drydock_runservice::Runservice;
use serde_json::{Value, json};

use crate::app::{TestApp, settings};
use crate::client::{Client, Exchange, Request};
use crate::run::run;

pub const PROJECT: &str = "01900000-0000-7000-8000-000000000001";
/// A claim that the attempt of [`RunsApp::working`] was not made by.
pub const OTHER_CLAIM: &str = "01900000-0000-7000-8000-0000000000c2";
const CLAIM: &str = "01900000-0000-7000-8000-0000000000c1";

/// One deployment of runservice, and what a test knows of it.
pub struct RunsApp {
    pub app: TestApp,
    /// The tokens of executors by name.
    tokens: BTreeMap<&'static str, String>,
    /// What the parameters of paths stand for.
    names: BTreeMap<&'static str, String>,
    /// A run that waits for the one that runs.
    queued: String,
}

/// Runs a test with one instance that is ready, and has nothing.
pub fn with_runs(test: impl AsyncFnOnce(RunsApp)) {
    run(async { test(RunsApp::empty().await).await });
}

/// Runs a test with an executor in the middle of its work.
pub fn with_work(test: impl AsyncFnOnce(RunsApp)) {
    run(async { test(RunsApp::working().await).await });
}

/// Two tasks, of which one waits for an approval.
pub fn new_run() -> Value {
    json!({
        "project": PROJECT,
        "name": "main",
        "tasks": {
            "build": { "steps": [{ "run": { "command": "make" } }], "timeout": "20m" },
            "deploy": { "steps": [], "approval": {} },
        },
    })
}

/// The end of the attempt of `build`.
pub fn success() -> Value {
    json!({ "phase": "success", "steps": [{ "exit": { "code": 0 } }] })
}

/// The same of an attempt whose first step printed this.
pub fn reporting_log(text: &str) -> Value {
    let log = json!({ "size": text.len(), "blake3": blake3::hash(text.as_bytes()).to_string() });
    let mut status = success();
    status["logs"] = json!({ "0": log });
    status
}

impl RunsApp {
    pub async fn empty() -> RunsApp {
        let mut app = TestApp::new();
        app.add_service(Runservice::default(), settings()).await;
        app.ready().await;
        RunsApp::of(app)
    }

    /// What is known of a deployment without runs.
    pub fn of(app: TestApp) -> RunsApp {
        let names = BTreeMap::from([
            ("{step}", "0".to_owned()),
            ("{task}", "deploy".to_owned()),
            ("{lineage}", "00000000-0000-7000-8000-000000000000".to_owned()),
            ("{project}", PROJECT.to_owned()),
            ("{cache}", "00000000-0000-7000-8000-000000000000".to_owned()),
        ]);
        RunsApp { app, tokens: BTreeMap::new(), names, queued: String::new() }
    }

    /// An executor `linux` with an attempt of the task `build`, a run that waits for that run, and
    /// an executor `idle`.
    pub async fn working() -> RunsApp {
        let mut runs = RunsApp::empty().await;
        runs.work().await;
        runs
    }

    pub async fn work(&mut self) {
        self.register("linux").await;
        self.register("idle").await;
        let running = self.create(&new_run()).await;
        self.queued = self.create(&new_run()).await.field("id");
        let attempt = self.claim("linux", CLAIM).await.expect(201).json();
        let attempt = attempt["attempt"]["id"].as_str().expect("an attempt has an id").to_owned();
        self.names.extend([
            ("{run}", running.field("id")),
            ("{executor}", "linux".to_owned()),
            ("{attempt}", attempt),
        ]);
    }

    /// What a parameter stands for.
    ///
    /// # Panics
    /// If nothing is known of it.
    pub fn name(&self, parameter: &str) -> &str {
        self.names.get(parameter).unwrap_or_else(|| panic!("`{parameter}` has no meaning"))
    }

    /// Registers an executor, which sends its first heartbeat.
    pub async fn register(&mut self, name: &'static str) -> Exchange {
        let new = Request::post("/api/v1/executors").json(&json!({ "name": name }));
        let made = self.app.send(new).await.expect(201);
        self.tokens.insert(name, made.field("token"));
        let beat = Request::put("/api/v1/executors/self").json(&beat());
        self.executor(name).send(beat).await.expect(200);
        made
    }

    /// A client with the token of an executor.
    ///
    /// # Panics
    /// If it was not registered.
    pub fn executor(&self, name: &str) -> Client {
        self.executor_at(1, name)
    }

    /// The same at the instance with this number.
    ///
    /// # Panics
    /// If it was not registered.
    pub fn executor_at(&self, number: usize, name: &str) -> Client {
        let token = self.tokens[name].clone();
        Client { token, ..self.app.instance(number).clone() }
    }

    pub async fn create(&self, new: &Value) -> Exchange {
        self.app.send(Request::post("/api/v1/runs").json(new)).await.expect(201)
    }

    pub async fn claim(&self, executor: &str, claim: &str) -> Exchange {
        let body = json!({ "claim": claim, "session": 1 });
        let claim = Request::post("/api/v1/executors/self/claims").json(&body);
        self.executor(executor).send(claim).await
    }

    /// The path of a row with what is there in the place of its parameters.
    pub fn path(&self, path: &str) -> String {
        let mut path = path.to_owned();
        if path.ends_with("/cancel") {
            path = path.replace("{run}", &self.queued);
        }
        if path.contains("/logs") || path.contains("/archives") {
            path = path.replace("{task}", "build");
        }
        if path.contains("/self/") && path.contains("/logs/") {
            path += "?offset=0";
        }
        if path.contains("/self/") && path.contains("/archives/") {
            // A download has no query, and heeds none.
            path += &upload_query(UPLOADED);
        }
        if path.ends_with("/by_number") {
            path += &format!("?project={PROJECT}&number=1");
        }
        for (parameter, value) in &self.names {
            path = path.replace(parameter, value);
        }
        path
    }

    /// A request that the row takes.
    pub fn request(&self, spec: &Spec) -> Request {
        let query = match (spec.method.as_str(), spec.path.ends_with("/{attempt}/caches")) {
            ("GET", true) => "?keys=key".to_owned(),
            (_, true) => format!("{}&key=key", upload_query(UPLOADED)),
            (_, false) => String::new(),
        };
        let request = Request::new(spec.method.clone(), &(self.path(spec.path) + &query));
        match spec.body {
            BodyRule::None => request,
            BodyRule::Small => request.json(&body(spec)),
            BodyRule::Octets => {
                request.header("content-type", "application/octet-stream").body("x")
            }
            BodyRule::Stream => request.body(UPLOADED),
        }
    }

    /// Sends as one who may: as the executor `linux`, or with the internal token.
    pub async fn send(&self, spec: &Spec, request: Request) -> Exchange {
        match spec.access {
            Access::Registered => self.executor("linux").send(request).await,
            Access::Internal | Access::Open | Access::Bearer => self.app.send(request).await,
        }
    }
}

/// The bytes of a request that has some.
const UPLOADED: &str = "rubbish\n";

/// The query of an upload of these bytes.
pub fn upload_query(bytes: &str) -> String {
    format!("?size={}&blake3={}", bytes.len(), blake3::hash(bytes.as_bytes()))
}

/// The heartbeat of an executor that holds nothing.
pub fn beat() -> Value {
    json!({ "session": 1, "limit": 4 })
}

/// A body that the row takes.
pub fn body(spec: &Spec) -> Value {
    match (spec.method.as_str(), spec.path) {
        ("POST", "/api/v1/runs") => new_run(),
        ("POST", "/api/v1/executors") => json!({ "name": "other" }),
        ("PUT", "/api/v1/executors/{executor}") => json!({ "drain": true }),
        ("PUT", "/api/v1/executors/self") => json!({ "session": 1, "limit": 5 }),
        ("POST", "/api/v1/executors/self/claims") => json!({ "claim": OTHER_CLAIM, "session": 1 }),
        ("PUT", "/api/v1/executors/self/attempts/{attempt}") => success(),
        ("POST", path) if path.contains("/tasks/") => json!({ "approver": "alice" }),
        _ => json!({}),
    }
}
