//! A gateway in front of a configstore, and people who use it.

use std::collections::BTreeSet;
use std::sync::Arc;

use drydock_core::env::{Env, RngTree};
use drydock_core::error::Code;
use drydock_core::net::Net;
use drydock_gateway::Gateway;
use drydock_http::server::HttpSettings;
use drydock_runservice::Runservice;
use drydock_runtime::{StatelessSettings, start_stateless};
use http::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::app::{TOKEN, TestApp, settings, with_app};
use crate::client::{Client, Exchange, Request};
use crate::endpoints;
use crate::run::until;
use crate::runs::{reporting_log, upload_query};
use crate::watched::{Calls, WatchedNet};

pub const ADMIN_TOKEN: &str = "the-admin-token-of-the-tests";
/// The address of runservice, which is the second instance of a test's deployment, if it is there.
const RUNSERVICE: &str = "runservice-2:8001";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Without a token.
    Nobody,
    /// With a token that nobody has.
    Forger,
    /// A user who has nothing to do with anything: `olga`.
    Outsider,
    /// A member of the organizations: `mike`.
    Member,
    /// An owner of the organizations: `alice`.
    Owner,
    /// A user who is an administrator: `root-user`.
    AdminUser,
    /// Whoever has the admin token.
    AdminToken,
}

impl Who {
    pub const ALL: [Who; 7] = [
        Who::Nobody,
        Who::Forger,
        Who::Outsider,
        Who::Member,
        Who::Owner,
        Who::AdminUser,
        Who::AdminToken,
    ];

    pub fn user(self) -> Option<&'static str> {
        match self {
            Who::Outsider => Some("olga"),
            Who::Member => Some("mike"),
            Who::Owner => Some("alice"),
            Who::AdminUser => Some("root-user"),
            Who::Nobody | Who::Forger | Who::AdminToken => None,
        }
    }
}

/// One gateway in front of the first instance of a configstore.
pub struct Face {
    pub client: Client,
    calls: Arc<Calls>,
    tokens: Vec<(Who, String)>,
    /// Every operation with the codes that it may be refused with.
    document: Vec<(Method, &'static str, BTreeSet<Code>)>,
}

/// Whether a path is one of the route's.
fn fits(route: &str, path: &str) -> bool {
    let (mut route, mut path) = (route.split('/'), path.split('/'));
    loop {
        match (route.next(), path.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given || part.starts_with('{') => {}
            _ => return false,
        }
    }
}

impl Face {
    /// Starts a gateway in front of the first instance.
    pub async fn before(app: &TestApp) -> Face {
        Face::before_address(app, &app.client().address).await
    }

    /// Starts a gateway in front of whatever listens there.
    ///
    /// # Panics
    /// If its own address is taken, which it is not.
    pub async fn before_address(app: &TestApp, configstore: &str) -> Face {
        Face::before_all(app, &[configstore]).await
    }

    /// Starts a gateway in front of the instances that listen there.
    ///
    /// # Panics
    /// As [`before_address`](Self::before_address).
    pub async fn before_all(app: &TestApp, configstore: &[&str]) -> Face {
        let net = app.net().clone();
        let listener = net.listen("gateway:8000").await.expect("the address is free");
        let client = Client {
            net: Arc::new(net.clone()),
            address: listener.local_addr(),
            token: ADMIN_TOKEN.to_owned(),
        };
        let calls = Arc::<Calls>::default();
        let settings = drydock_gateway::Settings {
            internal_token: SecretString::from(TOKEN),
            admin_token: SecretString::from(ADMIN_TOKEN),
            configstore: configstore.iter().map(|it| (*it).to_owned()).collect(),
            runservice: vec![RUNSERVICE.to_owned()],
        };
        let runtime = StatelessSettings {
            internal_token: settings.internal_token.clone(),
            http: HttpSettings::default(),
        };
        let net = WatchedNet { net, calls: Arc::clone(&calls) };
        let env = Env::new(app.clock(), RngTree::from_seed(1).child("gateway"));
        let gateway = Gateway::new(settings, Arc::new(net));
        let stop = CancellationToken::new();
        tokio::spawn(start_stateless(gateway, runtime, env, listener, stop));
        let routes = endpoints::gateway().into_iter();
        let document = routes.map(|it| (it.spec.method.clone(), it.spec.path, it.codes()));
        Face { client, calls, tokens: Vec::new(), document: document.collect() }
    }

    /// Gives every user a token.
    pub async fn log_in(&mut self) {
        for who in Who::ALL {
            let Some(name) = who.user() else { continue };
            let path = format!("/api/v1/users/{name}/tokens");
            let made = Request::post(&path).json(&json!({ "name": "of-the-test" }));
            let made = self.client.send(made).await.expect(201);
            self.tokens.push((who, made.field("value")));
        }
    }

    fn token(&self, who: Who) -> &str {
        let known = self.tokens.iter().find(|(of, _)| *of == who);
        known.map_or("a-token-that-nobody-has", |(_, token)| token)
    }

    /// Sends a request of theirs.
    ///
    /// # Panics
    /// If the API document does not know the answer.
    pub async fn send(&self, who: Who, request: Request) -> Exchange {
        self.try_send(who, request).await.expect("the server answers in full")
    }

    /// As [`send`](Self::send), of what may be no request.
    ///
    /// # Errors
    /// As those of [`Client::try_send`].
    ///
    /// # Panics
    /// If the API document does not know the answer.
    pub async fn try_send(
        &self,
        who: Who,
        request: Request,
    ) -> Result<Exchange, Box<dyn std::error::Error>> {
        let answer = match who {
            Who::AdminToken => self.client.try_send(request).await,
            Who::Nobody => self.client.try_send(request.anonymous()).await,
            _ => {
                let client = Client { token: self.token(who).to_owned(), ..self.client.clone() };
                client.try_send(request).await
            }
        }?;
        self.check_document(&answer);
        Ok(answer)
    }

    fn check_document(&self, answer: &Exchange) {
        let Request { method, path, .. } = &answer.request;
        let path = path.split('?').next().unwrap_or_default();
        let known = self.document.iter().find(|(of, at, _)| of == method && fits(at, path));
        if let Some((_, _, codes)) = known.filter(|_| answer.status.as_u16() >= 400) {
            let code = answer.field("code");
            assert!(codes.iter().any(|listed| listed.as_str() == code), "not listed\n{answer}");
        }
    }

    pub async fn get(&self, who: Who, path: &str) -> Exchange {
        self.send(who, Request::get(path)).await
    }

    /// How many calls the gateway has made.
    pub fn calls(&self) -> usize {
        self.calls.made()
    }

    /// Sends a request, and lets something happen before the gateway makes its `nth` call for it.
    pub async fn send_and_before<T>(
        &self,
        nth: usize,
        happens: impl Future<Output = T>,
        (who, request): (Who, Request),
    ) -> (Exchange, T) {
        let held = self.calls() + nth;
        self.calls.hold(held);
        let meanwhile = async {
            until(async || self.calls() >= held).await;
            let what = happens.await;
            self.calls.release();
            what
        };
        tokio::join!(self.send(who, request), meanwhile)
    }
}

/// Runs a test with a configstore and a gateway, and what [`populate`] makes.
pub fn with_gateway(test: impl AsyncFnOnce(TestApp, Face)) {
    with_app(async |app| {
        let mut face = Face::before(&app).await;
        populate(&face, &ROOTS, &VISIBILITIES).await;
        face.log_in().await;
        test(app, face).await;
    });
}

/// The same with the public part of `acme` only. Call it under [`run`](crate::run::run).
pub async fn small_world() -> (TestApp, Face) {
    let mut app = TestApp::new();
    app.add(settings()).await;
    app.ready().await;
    let mut face = Face::before(&app).await;
    populate(&face, &ROOTS[..1], &VISIBILITIES[..1]).await;
    face.log_in().await;
    (app, face)
}

/// What the rows of runs lead to, below the project `org/acme/open/open-app`.
const RUNS_OF: &str = "org%2Facme%2Fopen%2Fopen-app";

/// Whether a row leads to runservice.
pub fn is_of_runs(path: &str) -> bool {
    let below =
        ["/runs", "/caches", "/badge.svg", "/runservice"].iter().any(|part| path.contains(part));
    below || path.starts_with("/api/v1/executors") || path.starts_with("/api/v1/gates")
}

/// As [`small_world`], with a runservice as second instance if the row leads to one.
pub async fn world_of(path: &str) -> (TestApp, Face) {
    if is_of_runs(path) { runs_world().await } else { small_world().await }
}

/// As [`small_world`], with a runservice as second instance, the executors `linux` and `idle`, and
/// three runs of the project `org/acme/open/open-app`: 1 runs, and one of its tasks waits for an
/// approval; 2 waits for 1; 3 is finished, and its log is sealed.
///
/// # Panics
/// If a service does not do what it is told.
pub async fn runs_world() -> (TestApp, Face) {
    let (mut app, face) = small_world().await;
    app.add_service(Runservice::default(), settings()).await;
    app.ready().await;
    let project = app.get(&format!("/api/v1/projects/{RUNS_OF}")).await.expect(200).field("id");
    let runs = app.instance(2);
    let deploy = json!({ "steps": [], "approval": {} });
    let both = json!({ "build": build(), "deploy": deploy });
    let mut only = json!({ "build": build() });
    let save = json!({ "save": { "paths": ["app"] } });
    only["build"]["steps"].as_array_mut().expect("it has steps").push(save);
    for (branch, tasks) in [("main", &both), ("main", &both), ("done", &only)] {
        let new = json!({
            "project": project,
            "group": format!("/project/{project}/branch/{branch}"),
            "name": "main",
            "tasks": tasks,
            "annotations": { "branch": branch, "creator": "nobody" },
        });
        runs.send(Request::post("/api/v1/runs").json(&new)).await.expect(201);
        if branch == "done" {
            finish(runs).await;
        }
    }
    (app, face)
}

fn build() -> Value {
    json!({ "steps": [{ "run": { "command": "make" } }] })
}

/// Lets `linux` take the task of run 1, and `idle` that of run 3, whose log it writes and ends.
async fn finish(runs: &Client) {
    for (name, claim) in [("linux", "c1"), ("idle", "c3")] {
        let new = Request::post("/api/v1/executors").json(&json!({ "name": name }));
        let token = runs.send(new).await.expect(201).field("token");
        let executor = Client { token, ..runs.clone() };
        let beat = Request::put("/api/v1/executors/self");
        let beat = beat.json(&json!({ "session": 1, "limit": 4 }));
        executor.send(beat).await.expect(200);
        let claim = format!("01900000-0000-7000-8000-0000000000{claim}");
        let claim = json!({ "claim": claim, "session": 1 });
        let claim = Request::post("/api/v1/executors/self/claims").json(&claim);
        let claimed = executor.send(claim).await.expect(201).json();
        let attempt = claimed["attempt"]["id"].as_str().expect("an attempt has an id");
        let attempt = format!("/api/v1/executors/self/attempts/{attempt}");
        let piece = Request::put(&format!("{attempt}/logs/0?offset=0"));
        let piece = piece.header("content-type", "application/octet-stream").body("made\n");
        executor.send(piece).await.expect(200);
        if name == "idle" {
            let path = format!("{attempt}/archives/1{}", upload_query("archive"));
            let upload = executor.send(Request::put(&path).body("archive")).await.expect(200);
            let mut end = reporting_log("made\n");
            end["steps"] = json!([{ "exit": { "code": 0 } }, { "exit": { "code": 0 } }]);
            end["archives"] = json!({ "1": upload.json() });
            executor.send(Request::put(&attempt).json(&end)).await.expect(200);
        }
    }
    until(async || {
        let run = runs.send(Request::get("/api/v1/runs?phase=finished")).await.json();
        let run = run["items"][0]["id"].as_str().expect("run 3 is finished").to_owned();
        let run = runs.send(Request::get(&format!("/api/v1/runs/{run}"))).await;
        !run.text().contains("\"logs\":\"live\"")
    })
    .await;
}

/// Where trees begin.
pub const ROOTS: [&str; 3] = ["org/acme", "org/vault", "user/alice"];
/// Names of groups, and beginnings of names of projects and subgroups, with their visibilities.
pub const VISIBILITIES: [(&str, &str); 2] = [("open", "public"), ("closed", "private")];

/// Makes users; the public organization `acme` and the private one `vault`, both with alice as
/// owner and mike as member; below each of `roots` a public and a private group, and in each of
/// these a public and a private subgroup (`open-sub`) and project (`open-app`) with the secret
/// `deploy` and the variable `password`. And the remote source `forge`.
async fn populate(face: &Face, roots: &[&str], visibilities: &[(&str, &str)]) {
    for name in ["alice", "mike", "olga"] {
        face.make("users", json!({ "name": name })).await;
    }
    face.make("users", json!({ "name": "root-user", "admin": true })).await;
    let forge = json!({
        "name": "forge",
        "api_url": "https://forge.example/api",
        "kind": "gitea",
        "auth_kind": "token",
    });
    face.make("remote_sources", forge).await;
    for (name, visibility) in [("acme", "public"), ("vault", "private")] {
        let org = json!({ "name": name, "visibility": visibility, "owner": "alice" });
        face.make("orgs", org).await;
        let member = Request::put(&format!("/api/v1/orgs/{name}/members/mike"));
        face.client.send(member.json(&json!({ "role": "member" }))).await.expect(201);
    }
    for root in roots {
        for (name, visibility) in visibilities {
            face.make("project_groups", child(name, root, visibility)).await;
            let parent = format!("{root}/{name}");
            for (name, visibility) in visibilities {
                let (sub, app) = (format!("{name}-sub"), format!("{name}-app"));
                face.make("project_groups", child(&sub, &parent, visibility)).await;
                face.make("projects", child(&app, &parent, visibility)).await;
                face.furnish("project_groups", &format!("{parent}/{sub}")).await;
                face.furnish("projects", &format!("{parent}/{app}")).await;
            }
        }
    }
}

fn child(name: &str, parent: &str, visibility: &str) -> Value {
    json!({ "name": name, "parent": parent, "visibility": visibility })
}

impl Face {
    /// Makes an object as an administrator.
    async fn make(&self, list: &str, body: Value) {
        let path = format!("/api/v1/{list}");
        self.client.send(Request::post(&path).json(&body)).await.expect(201);
    }

    /// A secret, and a variable of it.
    async fn furnish(&self, list: &str, place: &str) {
        let place = format!("{list}/{}", escaped(place));
        let data = json!({ "key": "the plain value" });
        self.make(&format!("{place}/secrets"), json!({ "name": "deploy", "data": data })).await;
        let value = json!({ "secret_name": "deploy", "secret_var": "key" });
        let variable = json!({ "name": "password", "values": [value] });
        self.make(&format!("{place}/variables"), variable).await;
    }
}

/// A path as one segment.
pub fn escaped(path: &str) -> String {
    path.replace('/', "%2F")
}
