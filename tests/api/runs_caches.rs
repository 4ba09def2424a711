//! Caches of projects: which entry keys find, and who may add one.

use drydock_tests::client::Request;
use drydock_tests::runs::PROJECT;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::caches_world::{OTHER_PROJECT, finding, main, own, saving, with_world, writing};

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
