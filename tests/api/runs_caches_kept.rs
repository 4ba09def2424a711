//! Caches of projects: when entries and their objects are gone, and when they stay.

use std::time::Duration;

use drydock_runservice::Settings;
use drydock_tests::client::Request;
use drydock_tests::faulty::Trouble;
use drydock_tests::run::{pass, until};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::caches_world::{Job, OTHER_PROJECT, World, main, with_settings, with_world, writing};

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

#[test]
fn slow_what_another_lineage_may_name_stays() {
    with_world(async |mut world| {
        let before = world.runs.app.export().await;
        let job = world.job(main()).await;
        world.save(&job, "key", "bytes").await.expect(201);
        world.end(&job).await;
        world.runs.app.maintenance_on().await;
        let import = Request::post("/api/v1/import").body(before);
        world.runs.app.send(import).await.expect(200);
        world.runs.app.maintenance_off().await;
        assert_eq!(world.keys().await, [""; 0]);
        world.live(2000).await;
        assert_eq!(world.objects().await.len(), 1, "whoever goes back finds it");
    });
}
