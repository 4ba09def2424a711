//! Archives of attempts: who may store and read them, and when they are gone.

use std::time::Duration;

use drydock_runservice::{Runservice, Settings};
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::{Client, Request};
use drydock_tests::faulty::Trouble;
use drydock_tests::run::{pass, run, until};
use drydock_tests::runs::{PROJECT, RunsApp, beat, upload_query};
use insta::assert_snapshot;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};

pub fn save() -> Value {
    json!({ "save": { "paths": ["app"] } })
}

/// A task that saves in its one step, and one below that restores.
pub fn tasks() -> Value {
    json!({
        "build": { "steps": [save()] },
        "test": { "depends": ["build"], "steps": [{ "restore": {} }] },
    })
}

/// A service that keeps logs and archives for this long, with an executor, and a run whose first
/// task has been claimed: its path.
pub struct World {
    pub runs: RunsApp,
    pub linux: Client,
    pub run: String,
    pub attempt: String,
    claims: u32,
}

pub fn with_world(retention: Duration, test: impl AsyncFnOnce(World)) {
    with_tasks(&tasks(), retention, test);
}

pub fn with_tasks(tasks: &Value, retention: Duration, test: impl AsyncFnOnce(World)) {
    run(async {
        let kept = Settings { log_retention: retention, ..Settings::default() };
        let mut app = TestApp::new();
        app.add_service(Runservice::new(kept), settings()).await;
        app.ready().await;
        let mut runs = RunsApp::of(app);
        runs.register("linux").await;
        let linux = runs.executor("linux");
        let new = json!({ "project": PROJECT, "name": "main", "tasks": tasks });
        let run = format!("/api/v1/runs/{}", runs.create(&new).await.field("id"));
        let attempt = String::new();
        let mut world = World { runs, linux, run, attempt, claims: 0 };
        world.attempt =
            world.claim().await["attempt"]["id"].as_str().expect("the service works").to_owned();
        test(world).await;
    });
}

pub const LONG: Duration = Duration::from_secs(30 * 24 * 3600);

impl World {
    pub async fn claim(&mut self) -> Value {
        self.claims += 1;
        let claim = format!("01900000-0000-7000-8000-0000000000c{}", self.claims);
        self.runs.claim("linux", &claim).await.expect(201).json()
    }

    pub fn own(&self, attempt: &str) -> String {
        format!("/api/v1/executors/self/attempts/{attempt}")
    }

    pub fn upload(&self, step: u16, bytes: &str, said: &str) -> Request {
        let path = format!("{}/archives/{step}{}", self.own(&self.attempt), upload_query(said));
        Request::put(&path)
            .header("content-type", "application/octet-stream")
            .body(bytes.to_owned())
    }

    /// Stores these bytes, and ends the attempt with them: the answer to the upload.
    pub async fn save(&self, bytes: &str) -> Value {
        let stored = self.linux.send(self.upload(0, bytes, bytes)).await.expect(200).json();
        self.end(&self.attempt, json!({ "0": stored })).await.expect(200);
        stored
    }

    pub async fn end(&self, attempt: &str, archives: Value) -> drydock_tests::client::Exchange {
        let steps = json!([{ "exit": { "code": 0 } }]);
        let end = json!({ "phase": "success", "steps": steps, "archives": archives });
        self.linux.send(Request::put(&self.own(attempt)).json(&end)).await
    }

    /// Lets time pass, in which the executor lives.
    pub async fn live(&self, seconds: u64) {
        for _ in 0..seconds / 30 {
            pass(Duration::from_secs(30)).await;
            let beat = Request::put("/api/v1/executors/self").json(&beat());
            self.linux.send(beat).await.expect(200);
        }
    }

    pub fn archive(&self) -> String {
        format!("{}/tasks/build/archives/0", self.run)
    }

    /// The objects of archives in object storage.
    pub async fn objects(&self) -> Vec<String> {
        use futures_util::TryStreamExt;
        let listed: Vec<_> =
            self.runs.app.objects.list(None).try_collect().await.expect("the service works");
        let names = listed.into_iter().map(|meta| meta.location.to_string());
        names.filter(|name| name.contains("/archives/")).collect()
    }

    pub async fn task(&self, name: &str) -> Value {
        let run = self.runs.app.get(&self.run).await.expect(200).json();
        let tasks = run["tasks"].as_object().expect("the service works").values();
        tasks.into_iter().find(|task| task["name"] == name).expect("the service works").clone()
    }
}

#[test]
fn an_archive_is_stored_named_and_read() {
    with_world(LONG, async |mut world| {
        assert_snapshot!("uploaded", world.linux.send(world.upload(0, "bytes", "bytes")).await);
        assert_snapshot!("not_saved_yet", world.runs.app.get(&world.archive()).await);
        let stored = world.save("bytes").await;
        assert_snapshot!("read", world.runs.app.get(&world.archive()).await);
        world.end(&world.attempt, json!({ "0": stored })).await.expect(200);
        let late = world.linux.send(world.upload(0, "bytes", "bytes")).await;
        assert_snapshot!("uploaded_after_the_end", late);
        let read = format!("{}/archives/0", world.own(&world.attempt));
        let no_reader = world.linux.send(Request::get(&read)).await;
        assert_eq!(no_reader.outcome(), "404 attempt_not_exist", "no task below runs");
        let claimed = world.claim().await;
        assert_eq!(claimed["task"]["name"], "test");
        assert_eq!(claimed["restore"][0]["archive"], stored);
        assert_snapshot!("downloaded", world.linux.send(Request::get(&read)).await);
        let never = format!("{}/archives/1", world.own(&world.attempt));
        let never = world.linux.send(Request::get(&never)).await;
        assert_snapshot!("downloaded_what_was_never_saved", never);
    });
}

#[test]
fn what_is_no_archive() {
    with_world(LONG, async |world| {
        let linux = &world.linux;
        assert_snapshot!("other_bytes", linux.send(world.upload(0, "bytes", "bytez")).await);
        assert_snapshot!("more_bytes", linux.send(world.upload(0, "bytes", "byte")).await);
        assert_snapshot!("less_bytes", linux.send(world.upload(0, "byte", "bytes")).await);
        assert_snapshot!("no_step", linux.send(world.upload(7, "bytes", "bytes")).await);
        let mut large = world.upload(0, "bytes", "bytes");
        large.path = large.path.replace("size=5", &format!("size={}", (5_u64 << 30) + 1));
        assert_snapshot!("too_large", linux.send(large).await);
        let mut digest = world.upload(0, "bytes", "bytes");
        digest.path = format!("{}?size=5&blake3=x", digest.path.split('?').next().unwrap());
        assert_snapshot!("no_digest", linux.send(digest).await);
        assert_eq!(world.objects().await, [""; 0], "nothing of that is stored");
        let object = format!("archives/{}/0-{}.tar.zst", world.attempt, "0".repeat(32));
        let blake3 = blake3::hash(b"bytes").to_hex().to_string();
        let absent = json!({ "0": { "object": object, "size": 5, "blake3": blake3 } });
        assert_snapshot!("not_stored", world.end(&world.attempt, absent).await);
        let mut longer = linux.send(world.upload(0, "bytes", "bytes")).await.expect(200).json();
        longer["size"] = json!(6);
        let longer = world.end(&world.attempt, json!({ "0": longer })).await;
        assert_eq!(longer.outcome(), "409 archive_not_stored");
        let app = &world.runs.app;
        let no_attempt = app.get(&format!("{}?attempt=2", world.archive())).await;
        assert_snapshot!("no_attempt", no_attempt);
        let no_number = app.get(&format!("{}?attempt=x", world.archive())).await;
        assert_snapshot!("no_number", no_number);
        let waiting = app.get(&format!("{}/tasks/test/archives/0", world.run)).await;
        assert_snapshot!("never_started", waiting);
    });
}

#[test]
fn an_archive_that_was_kept_for_long_enough_is_gone_and_so_is_its_object() {
    with_world(Duration::from_secs(120), async |mut world| {
        let stored = world.save("bytes").await;
        let claimed = world.claim().await;
        let own = claimed["attempt"]["id"].as_str().unwrap().to_owned();
        // A run that is not over keeps them, however long ago the task ended.
        world.live(600).await;
        world.runs.app.get(&world.archive()).await.expect(200);
        world.end(&own, json!({})).await.expect(200);
        until(async || world.runs.app.get(&world.archive()).await.status != 200).await;
        assert_snapshot!("read_after_expiry", world.runs.app.get(&world.archive()).await);
        assert_eq!(world.objects().await, [""; 0]);
        // What was taken once is not looked for when it is said again.
        world.end(&world.attempt, json!({ "0": stored })).await.expect(200);
    });
}

#[test]
fn what_no_attempt_names_is_deleted_and_what_one_names_stays() {
    with_world(LONG, async |world| {
        for _ in 0..3 {
            world.linux.send(world.upload(0, "twice", "twice")).await.expect(200);
        }
        // While the attempt runs, it may still name them.
        world.live(2100).await;
        assert_eq!(world.objects().await.len(), 3);
    });
    with_world(LONG, async |world| {
        for _ in 0..3 {
            world.linux.send(world.upload(0, "twice", "twice")).await.expect(200);
        }
        let stored = world.save("bytes").await;
        // Of an attempt that this state does not know: another one may.
        let [some, ..] = &world.objects().await[..] else { panic!("there are objects") };
        let unknown = some.replace(&world.attempt, "01900000-0000-7000-8000-0000000000aa");
        let key = Path::from(unknown.as_str());
        world.runs.app.objects.put(&key, "theirs".into()).await.unwrap();
        until(async || world.objects().await.len() == 2).await;
        let named = stored["object"].as_str().unwrap().to_owned();
        let is_left = async |name: &str| world.objects().await.iter().any(|it| it.ends_with(name));
        assert!(is_left(&named).await && is_left(&unknown).await);
        assert_eq!(world.runs.app.get(&world.archive()).await.text(), "bytes");
    });
}

#[test]
fn a_state_that_names_what_is_not_there_fails_the_tasks_that_need_it() {
    with_world(LONG, async |world| {
        world.save("bytes").await;
        let export = world.runs.app.export().await;
        world.runs.app.maintenance_on().await;
        for name in world.objects().await {
            world.runs.app.objects.delete(&Path::from(name)).await.unwrap();
        }
        let import = Request::post("/api/v1/import").body(export);
        world.runs.app.send(import).await.expect(200);
        world.runs.app.maintenance_off().await;
        until(async || world.task("test").await["status"] == "failed").await;
        assert_eq!(world.task("test").await["reason"], "archive_missing");
        assert_eq!(world.task("build").await["status"], "success");
        let gone = world.runs.app.get(&world.archive()).await;
        assert_eq!(gone.outcome(), "410 archive_expired");
        let restart = json!({ "restart_of": world.run.rsplit('/').next(), "from": "failed" });
        let refused = world.runs.app.send(Request::post("/api/v1/runs").json(&restart)).await;
        assert_eq!(refused.outcome(), "409 archives_expired", "{refused}");
        let restart = json!({ "restart_of": world.run.rsplit('/').next(), "from": "start" });
        world.runs.app.send(Request::post("/api/v1/runs").json(&restart)).await.expect(201);
    });
}

#[test]
fn an_import_whose_archives_are_there_changes_nothing() {
    with_world(LONG, async |mut world| {
        world.save("bytes").await;
        let export = world.runs.app.export().await;
        world.runs.app.maintenance_on().await;
        let import = Request::post("/api/v1/import").body(export);
        world.runs.app.send(import).await.expect(200);
        world.runs.app.maintenance_off().await;
        pass(Duration::from_secs(300)).await;
        assert_eq!(world.runs.app.get(&world.archive()).await.text(), "bytes");
        assert_eq!(world.task("test").await["status"], "not_started");
        assert_eq!(world.claim().await["restore"][0]["task"], "build");
    });
}

#[test]
fn an_archive_that_is_lost_while_a_task_waits_for_it_is_told_as_gone() {
    with_world(LONG, async |mut world| {
        world.save("bytes").await;
        world.claim().await;
        for name in world.objects().await {
            world.runs.app.objects.delete(&Path::from(name)).await.unwrap();
        }
        let read = format!("{}/archives/0", world.own(&world.attempt));
        assert_snapshot!("downloaded_when_it_is_gone", world.linux.send(Request::get(&read)).await);
        assert_snapshot!("read_when_it_is_gone", world.runs.app.get(&world.archive()).await);
    });
}

#[test]
fn without_object_storage_nothing_is_stored_or_read() {
    with_world(LONG, async |world| {
        world.save("bytes").await;
        world.runs.app.objects.trouble.set(Trouble::Refused);
        let read = world.runs.app.get(&world.archive()).await;
        assert_eq!(read.outcome(), "503 storage_unavailable, retry after 1 s", "{read}");
    });
}

#[test]
fn what_another_lineage_may_name_stays() {
    with_world(LONG, async |world| {
        for _ in 0..3 {
            world.linux.send(world.upload(0, "twice", "twice")).await.expect(200);
        }
        world.save("bytes").await;
        let export = world.runs.app.export().await;
        world.runs.app.maintenance_on().await;
        world.runs.app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        world.runs.app.maintenance_off().await;
        world.live(2100).await;
        assert_eq!(world.objects().await.len(), 4);
    });
}
