//! Caches of projects: which entry keys find, who may add one, and when entries are gone.

use std::time::Duration;

use drydock_runservice::{Runservice, Settings};
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::{Client, Exchange, Request};
use drydock_tests::faulty::Trouble;
use drydock_tests::run::{pass, run, until};
use drydock_tests::runs::{PROJECT, RunsApp, upload_query};
use futures_util::TryStreamExt;
use insta::assert_snapshot;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};

const OTHER_PROJECT: &str = "01900000-0000-7000-8000-000000000002";

/// A service, and the runs that were started there.
struct World {
    runs: RunsApp,
    linux: Client,
    started: u32,
}

/// A run whose one task runs.
struct Job {
    run: String,
    attempt: String,
}

fn with_settings(given: Settings, test: impl AsyncFnOnce(World)) {
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

fn with_world(test: impl AsyncFnOnce(World)) {
    with_settings(Settings::default(), test);
}

fn writing(scope: &str) -> Value {
    json!({ "read": [scope, "branch/main"], "write": scope })
}

/// Main reads and writes its own scope alone.
fn main() -> Value {
    json!({ "read": ["branch/main"], "write": "branch/main" })
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl World {
    async fn start(&mut self, project: &str, cache: Option<Value>) -> Job {
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

    /// A run of the project, with this part of its cache.
    async fn job(&mut self, cache: Value) -> Job {
        self.start(PROJECT, Some(cache)).await
    }

    async fn find(&self, job: &Job, keys: &[&str]) -> Exchange {
        self.linux.send(finding(job, keys)).await
    }

    /// The bytes that the keys find; empty: none.
    async fn found(&self, job: &Job, keys: &[&str]) -> String {
        let found = self.find(job, keys).await;
        match found.status.as_u16() {
            204 => String::new(),
            _ => found.expect(200).text().to_owned(),
        }
    }

    async fn save(&self, job: &Job, key: &str, bytes: &str) -> Exchange {
        self.linux.send(saving(job, key, bytes)).await
    }

    async fn end(&self, job: &Job) {
        let end = json!({ "phase": "success", "steps": [{ "exit": { "code": 0 } }] });
        self.linux.send(Request::put(&own(job)).json(&end)).await.expect(200);
    }

    async fn list(&self) -> Vec<Value> {
        let listed = self.runs.app.get(&format!("/api/v1/projects/{PROJECT}/caches")).await;
        listed.expect(200).json()["items"].as_array().expect("a page has items").clone()
    }

    async fn keys(&self) -> Vec<String> {
        let keys = self.list().await.into_iter();
        keys.map(|entry| entry["key"].as_str().expect("an entry has a key").to_owned()).collect()
    }

    /// The objects of caches in object storage.
    async fn objects(&self) -> Vec<Path> {
        let listed = self.runs.app.objects.list(None).try_collect::<Vec<_>>().await;
        let keys = listed.expect("the store answers").into_iter().map(|meta| meta.location);
        keys.filter(|key| key.as_ref().contains("/caches/")).collect()
    }

    async fn lose_objects(&self) {
        for key in self.objects().await {
            self.runs.app.objects.delete(&key).await.expect("it is there");
        }
    }

    async fn beat(&self) {
        let beat = Request::put("/api/v1/executors/self");
        let beat = beat.json(&json!({ "session": 1, "limit": 100 }));
        self.linux.send(beat).await.expect(200);
    }

    /// Lets time pass, in which the executor lives.
    async fn live(&self, seconds: u64) {
        for _ in 0..seconds / 50 {
            pass(Duration::from_secs(50)).await;
            self.beat().await;
        }
    }

    /// The same until this holds.
    async fn live_until(&self, holds: impl AsyncFn() -> bool) {
        while !holds().await {
            self.live(50).await;
        }
    }

    /// Waits until a use of the first entry is committed.
    async fn noted(&self) -> Vec<Value> {
        let first = async || self.list().await.remove(0);
        until(async || first().await["last_used_at"] != first().await["created_at"]).await;
        self.list().await
    }

    async fn export_and_import(&self) {
        let export = self.runs.app.export().await;
        self.runs.app.maintenance_on().await;
        let import = Request::post("/api/v1/import").body(export);
        self.runs.app.send(import).await.expect(200);
        self.runs.app.maintenance_off().await;
    }
}

fn own(job: &Job) -> String {
    format!("/api/v1/executors/self/attempts/{}", job.attempt)
}

fn finding(job: &Job, keys: &[&str]) -> Request {
    Request::get(&format!("{}/caches?keys={}", own(job), encoded(&keys.join("\n"))))
}

fn saving(job: &Job, key: &str, bytes: &str) -> Request {
    let path = format!("{}/caches{}&key={}", own(job), upload_query(bytes), encoded(key));
    Request::post(&path).header("content-type", "application/octet-stream").body(bytes.to_owned())
}

#[test]
fn an_entry_is_saved_found_listed_and_deleted() {
    with_world(async |mut world| {
        let job = world.job(writing("branch/topic")).await;
        let shown = world.runs.app.get(&format!("/api/v1/runs/{}", job.run)).await;
        assert_eq!(shown.json()["cache"], writing("branch/topic"));
        assert_snapshot!("nothing_found", world.find(&job, &["key"]).await);
        assert_snapshot!("saved", world.save(&job, "key ä/1", "bytes").await);
        assert_snapshot!("kept", world.save(&job, "key ä/1", "others").await);
        assert_snapshot!("found", world.find(&job, &["key ä/1"]).await);
        let caches = format!("/api/v1/projects/{PROJECT}/caches");
        let listed = world.runs.app.get(&caches).await;
        assert_snapshot!("listed", listed);
        let entry = listed.json()["items"][0]["id"].as_str().expect("it has an id").to_owned();
        let elsewhere = format!("/api/v1/projects/{OTHER_PROJECT}/caches/{entry}");
        let elsewhere = world.runs.app.send(Request::delete(&elsewhere)).await;
        assert_eq!(elsewhere.outcome(), "404 cache_not_exist");
        let delete = || Request::delete(&format!("{caches}/{entry}"));
        assert_snapshot!("deleted", world.runs.app.send(delete()).await);
        assert_snapshot!("deleted_again", world.runs.app.send(delete()).await);
        assert_eq!(world.objects().await, [], "its object goes with it");
        assert_eq!(world.found(&job, &["key ä/1"]).await, "");
    });
}

#[test]
fn a_list_has_pages_in_the_order_of_commits() {
    with_world(async |mut world| {
        let job = world.job(main()).await;
        for key in ["c", "a", "b"] {
            world.save(&job, key, key).await.expect(201);
        }
        assert_eq!(world.keys().await, ["c", "a", "b"]);
        let caches = format!("/api/v1/projects/{PROJECT}/caches?limit=2&order=desc");
        let first = world.runs.app.get(&caches).await.json();
        let keys = |page: &Value| {
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["key"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&first), ["b", "a"]);
        let cursor = first["next_cursor"].as_str().expect("there is more");
        let next = world.runs.app.get(&format!("{caches}&cursor={cursor}")).await.json();
        assert_eq!((keys(&next), &next["next_cursor"]), (vec![json!("c")], &Value::Null));
    });
}

/// Each of them finds the bytes that are named last.
#[test]
fn keys_find_exact_entries_first_then_the_newest_that_begin_so() {
    with_world(async |mut world| {
        let topic = world.job(writing("branch/topic")).await;
        let main = world.job(main()).await;
        for (job, key, bytes) in [
            (&main, "cargo-2", "main 2"),
            (&topic, "cargo-3", "topic 3"),
            (&topic, "cargo-1", "topic 1"),
            (&main, "cargo-9", "main 9"),
            (&main, "cargo-1", "main 1"),
            (&main, "npm-1", "main npm"),
            (&main, "npm-", "main npm-"),
        ] {
            world.save(job, key, bytes).await.expect(201);
        }
        for (keys, expected) in [
            // Its own scope before that of the default branch.
            (&["cargo-1"][..], "topic 1"),
            (&["cargo-2"], "main 2"),
            // An exact key of any scope before any prefix, and the first key before the next.
            (&["cargo-", "cargo-2"], "main 2"),
            (&["cargo-9", "cargo-1"], "main 9"),
            (&["cargo-7", "npm-1", "cargo-2"], "main npm"),
            // The newest of its own scope by commit, not by key; then that of the other.
            (&["cargo-"], "topic 1"),
            (&["nothing", "c"], "topic 1"),
            (&["npm"], "main npm-"),
            (&["npm-"], "main npm-"),
            (&["npm-2", "np", "cargo-"], "main npm-"),
            // Not what only looks like a pattern, and not what a key continues.
            (&["cargo_"], ""),
            (&["cargo-%", "*", "Cargo-"], ""),
            (&["cargo-11"], ""),
        ] {
            assert_eq!(world.found(&topic, keys).await, expected, "{keys:?}");
        }
        assert_eq!(world.found(&main, &["cargo-1"]).await, "main 1");
        assert_eq!(world.found(&main, &["cargo-"]).await, "main 1");
        assert_eq!(world.found(&main, &["cargo-3"]).await, "", "a branch's entry stays there");
    });
}

#[test]
fn a_scope_is_seen_by_those_alone_who_read_it() {
    with_world(async |mut world| {
        let topic = world.job(writing("branch/topic")).await;
        world.save(&topic, "key", "of topic").await.expect(201);
        let main = world.job(main()).await;
        let tag = world.job(writing("tag/topic")).await;
        let none = world.start(PROJECT, None).await;
        let own = Some(writing("branch/topic"));
        let elsewhere = world.start(OTHER_PROJECT, own.clone()).await;
        for job in [&main, &tag, &none, &elsewhere] {
            assert_eq!(world.found(job, &["key", "k", "ke"]).await, "", "{}", job.run);
        }
        let again = world.start(PROJECT, own).await;
        assert_eq!(world.found(&again, &["key"]).await, "of topic");
        // The key is free wherever it was not written.
        world.save(&main, "key", "of main").await.expect(201);
        assert_eq!(world.found(&topic, &["key"]).await, "of topic");
    });
}

#[test]
fn a_run_that_only_reads_writes_nothing() {
    with_world(async |mut world| {
        let main = world.job(main()).await;
        world.save(&main, "key", "of main").await.expect(201);
        let fork = world.job(json!({ "read": ["branch/fork", "branch/main"] })).await;
        assert_eq!(world.found(&fork, &["key"]).await, "of main");
        assert_snapshot!("read_only", world.save(&fork, "other", "bytes").await);
        let none = world.start(PROJECT, None).await;
        assert_eq!(world.save(&none, "other", "x").await.outcome(), "409 cache_read_only");
        assert_eq!((world.keys().await, world.objects().await.len()), (vec!["key".to_owned()], 1));
    });
}

#[test]
fn the_first_writer_wins_however_many_there_are() {
    with_world(async |mut world| {
        let jobs = [world.job(main()).await, world.job(main()).await, world.job(main()).await];
        let bytes = ["first", "second", "third"];
        let saves = jobs.iter().zip(bytes).map(|(job, bytes)| world.save(job, "key", bytes));
        let saved = futures_util::future::join_all(saves).await;
        let mut statuses: Vec<_> = saved.iter().map(|saved| saved.status.as_u16()).collect();
        let winner = statuses.iter().position(|status| *status == 201).expect("one has won");
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 201]);
        for saved in &saved {
            assert_eq!(saved.json()["size"], bytes[winner].len(), "{saved}");
        }
        assert_eq!(world.found(&jobs[0], &["key"]).await, bytes[winner]);
        assert_eq!(world.objects().await.len(), 1, "what lost is not kept");
    });
}

#[test]
fn only_attempts_that_run_have_caches() {
    with_world(async |mut world| {
        let job = world.job(main()).await;
        world.save(&job, "key", "bytes").await.expect(201);
        world.runs.register("other").await;
        let other = world.runs.executor("other");
        let strange = other.send(finding(&job, &["key"])).await;
        assert_eq!(strange.outcome(), "404 attempt_not_exist");
        assert_eq!(other.send(saving(&job, "b", "x")).await.outcome(), "404 attempt_not_exist");
        world.end(&job).await;
        assert_snapshot!("found_after_the_end", world.find(&job, &["key"]).await);
        assert_snapshot!("saved_after_the_end", world.save(&job, "other", "bytes").await);
        let next = world.job(main()).await;
        assert_eq!(world.found(&next, &["key"]).await, "bytes");
    });
}

#[test]
fn what_is_no_key_and_no_entry() {
    with_world(async |mut world| {
        let job = world.job(main()).await;
        assert_snapshot!("no_keys", world.find(&job, &[""]).await);
        assert_snapshot!("an_empty_key", world.find(&job, &["key", ""]).await);
        let long = "x".repeat(256);
        assert_eq!(world.find(&job, &[&long]).await.outcome(), "400 invalid_query");
        assert_eq!(world.find(&job, &["a\tb"]).await.outcome(), "400 invalid_query");
        assert_eq!(world.find(&job, &["k"; 64]).await.status, 204);
        assert_snapshot!("too_many_keys", world.find(&job, &["k"; 65]).await);
        assert_snapshot!("no_key", world.save(&job, "", "bytes").await);
        assert_eq!(world.save(&job, "two\nlines", "x").await.outcome(), "400 invalid_query");
        let mut large = saving(&job, "key", "bytes");
        large.path = large.path.replace("size=5", &format!("size={}", (5_u64 << 30) + 1));
        assert_snapshot!("too_large", world.linux.send(large).await);
        let mut digest = saving(&job, "key", "bytes");
        digest.path = format!("{}/caches?size=5&blake3=x&key=key", own(&job));
        assert_snapshot!("no_digest", world.linux.send(digest).await);
        let other = saving(&job, "key", "bytes").body("bytez");
        assert_snapshot!("other_bytes", world.linux.send(other).await);
        let less = saving(&job, "key", "bytes").body("byte");
        assert_snapshot!("less_bytes", world.linux.send(less).await);
        assert_eq!(world.objects().await, [], "nothing of that is stored");
        assert_eq!(world.keys().await, [""; 0]);
    });
}

#[test]
fn what_no_part_of_a_cache_can_be() {
    with_world(async |world| {
        for (case, cache) in [
            ("too_many_scopes", json!({ "read": ["a", "b", "c"] })),
            ("an_empty_scope", json!({ "read": [""] })),
            ("no_line", json!({ "read": ["a"], "write": "a\nb" })),
        ] {
            let new = json!({ "project": PROJECT, "name": "x", "tasks": {}, "cache": cache });
            let refused = world.runs.app.send(Request::post("/api/v1/runs").json(&new)).await;
            assert_eq!(refused.outcome(), "400 invalid_body", "{case}: {refused}");
        }
    });
}

#[test]
fn an_executor_gets_what_keys_need_to_know_of_the_run() {
    with_world(async |mut world| {
        for (cache, expected) in
            [(Some(main()), json!({ "branch": "topic", "sha": "0123abc" })), (None, Value::Null)]
        {
            let job = world.start(PROJECT, cache).await;
            let claim = format!("01900000-0000-7000-8000-0000000001{:02}", world.started);
            let claimed = world.runs.claim("linux", &claim).await.expect(201).json();
            assert_eq!(claimed["cache"], expected, "{}", job.run);
        }
    });
}

#[test]
fn an_entry_without_its_object_is_as_good_as_none() {
    with_world(async |mut world| {
        let job = world.job(writing("branch/topic")).await;
        let main = world.job(main()).await;
        world.save(&main, "key-1", "of main").await.expect(201);
        world.save(&job, "key-1", "lost").await.expect(201);
        world.save(&job, "key-2", "lost too").await.expect(201);
        for key in world.objects().await {
            if key.as_ref().contains(&job.attempt) {
                world.runs.app.objects.delete(&key).await.expect("it is there");
            }
        }
        // The next one that the keys find takes its place.
        assert_eq!(world.found(&job, &["key-1"]).await, "of main");
        assert_eq!(world.found(&job, &["key-"]).await, "of main");
        // One that nobody could read any more does not keep others out.
        world.save(&job, "key-2", "anew").await.expect(201);
        assert_eq!(world.found(&job, &["key-2"]).await, "anew");
        assert_eq!(world.found(&job, &["key-"]).await, "anew");
    });
}

#[test]
fn slow_entries_without_objects_are_forgotten() {
    with_world(async |mut world| {
        let job = world.job(main()).await;
        for key in ["a", "b"] {
            world.save(&job, key, key).await.expect(201);
        }
        world.lose_objects().await;
        assert_eq!(world.found(&job, &["b"]).await, "");
        until(async || world.keys().await == ["a"]).await;
    });
}

#[test]
fn slow_an_import_has_the_entries_whose_objects_are_there() {
    for lost in [false, true] {
        with_world(async |mut world| {
            let job = world.job(main()).await;
            world.save(&job, "key", "bytes").await.expect(201);
            world.end(&job).await;
            world.export_and_import().await;
            assert_eq!(world.keys().await, ["key"]);
            if lost {
                world.lose_objects().await;
            }
            // Attempts are reconciled, and queued runs start again.
            pass(Duration::from_secs(300)).await;
            world.beat().await;
            let next = world.job(main()).await;
            let expected = if lost { "" } else { "bytes" };
            assert_eq!(world.found(&next, &["key"]).await, expected);
            // A sweep leaves what is named, and what a lineage that is kept may name.
            world.live(2000).await;
            assert_eq!(world.objects().await.len(), usize::from(!lost));
            let saved = world.save(&next, "key", "anew").await;
            assert_eq!(saved.status.as_u16(), if lost { 201 } else { 200 });
        });
    }
}

#[test]
fn slow_entries_that_nobody_uses_go_with_their_objects() {
    let brief = Settings { cache_retention: Duration::from_secs(1200), ..Settings::default() };
    with_settings(brief, async |mut world| {
        let job = world.job(main()).await;
        for key in ["used", "unused"] {
            world.save(&job, key, key).await.expect(201);
        }
        // Uses are committed a quarter of the retention apart.
        world.live(350).await;
        assert_eq!(world.found(&job, &["used"]).await, "used");
        let noted = world.noted().await;
        assert_eq!(noted[1]["last_used_at"], noted[1]["created_at"]);
        world.live(250).await;
        assert_eq!(world.found(&job, &["used"]).await, "used");
        world.live(500).await;
        assert_eq!(world.list().await, noted, "a use so soon after another is no commit");
        world.live_until(async || world.keys().await == ["used"]).await;
        until(async || world.objects().await.len() == 1).await;
        assert_eq!(world.found(&job, &["used"]).await, "used");
    });
}

#[test]
fn slow_a_project_keeps_what_was_used_last_within_its_quota() {
    let (cache_quota, cache_retention) = (10, Duration::from_secs(2400));
    let small = Settings { cache_quota, cache_retention, ..Settings::default() };
    with_settings(small, async |mut world| {
        let job = world.job(main()).await;
        assert_eq!(world.save(&job, "x", "12345678901").await.outcome(), "413 archive_too_large");
        for key in ["a", "b", "c"] {
            world.save(&job, key, "1234").await.expect(201);
            pass(Duration::from_secs(1)).await;
        }
        let elsewhere = world.start(OTHER_PROJECT, Some(main())).await;
        world.save(&elsewhere, "a", "1234567890").await.expect(201);
        world.live_until(async || world.keys().await == ["b", "c"]).await;
        until(async || world.objects().await.len() == 3).await;
        // It is the last use that counts, not the age.
        world.live(650).await;
        assert_eq!(world.found(&job, &["b"]).await, "1234");
        world.noted().await;
        world.save(&job, "d", "1234").await.expect(201);
        world.live_until(async || world.keys().await == ["b", "d"]).await;
        assert_eq!(world.found(&elsewhere, &["a"]).await, "1234567890", "others have their own");
    });
}

/// An entry and its object, and another object of the same attempt, as an upload leaves it whose
/// commit has failed: the first one's key.
async fn save_twice(world: &World, job: &Job) -> Path {
    world.save(job, "key", "bytes").await.expect(201);
    let named = world.objects().await.remove(0);
    let left = Path::from(named.as_ref().replace(".tar.zst", "0.tar.zst"));
    world.runs.app.objects.put(&left, "left".into()).await.expect("the store works");
    named
}

#[test]
fn slow_what_no_entry_names_is_deleted_when_its_attempt_has_ended() {
    with_world(async |mut world| {
        let job = world.job(main()).await;
        save_twice(&world, &job).await;
        // While the attempt runs, it may still be named.
        world.live(2000).await;
        assert_eq!(world.objects().await.len(), 2);
    });
    with_world(async |mut world| {
        let job = world.job(main()).await;
        let named = save_twice(&world, &job).await;
        world.end(&job).await;
        world.live(2000).await;
        assert_eq!(world.objects().await, [named]);
        let next = world.job(main()).await;
        assert_eq!(world.found(&next, &["key"]).await, "bytes");
    });
}

#[test]
fn without_object_storage_nothing_is_found_or_saved() {
    with_world(async |mut world| {
        let job = world.job(main()).await;
        world.save(&job, "key", "bytes").await.expect(201);
        world.runs.app.objects.trouble.set(Trouble::Refused);
        for answer in [
            world.find(&job, &["key"]).await,
            world.save(&job, "key", "bytes").await,
            world.save(&job, "other", "bytes").await,
        ] {
            assert_eq!(answer.outcome(), "503 storage_unavailable, retry after 1 s", "{answer}");
        }
        world.runs.app.objects.trouble.set(Trouble::None);
        assert_eq!(world.found(&job, &["key"]).await, "bytes", "the entry has stayed");
    });
}
