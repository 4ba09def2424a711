use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use super::*;
use crate::coord::lock::Lock;
use crate::coord::{Coordination, CoordinationExt, KeyRange, Op, Put, Txn};
use crate::log::format::{ArchivedRecord, CheckpointRecord, Head, Mode, decode, encode};
use crate::maintenance::SeenMode;
use crate::store::Store;
use crate::tasks::{archive, checkpoint};
use crate::testkit::{Instance, World, keys, soon};

async fn lock(instance: &Instance, name: &str) -> Lock {
    let ttl = std::time::Duration::from_secs(60);
    let (coord, key) = (&instance.store.inner.coord, keys().task(name));
    Lock::try_take(coord, key, "test", ttl).await.unwrap().unwrap()
}

async fn archive_all(instance: &Instance) {
    let lock = lock(instance, "archive").await;
    archive::run_once(&instance.store, lock.fence(), &mut None).await.unwrap();
    lock.release().await.unwrap();
}

async fn checkpoint_now(instance: &Instance) {
    let lock = lock(instance, "checkpoint").await;
    checkpoint::run_once(&instance.store, lock.fence()).await.unwrap();
    lock.release().await.unwrap();
}

/// A stopped store with every kind of object: two lineages, each with a checkpoint and segments, a
/// commit by reference, an unarchived tail.
async fn world() -> World {
    let mut world = World::new();
    world.settings.tasks.checkpoint_commits = 1;
    world.settings.inline_bytes = 1000;
    let one = world.start().await;
    one.add("a").await.unwrap();
    archive_all(&one).await;
    checkpoint_now(&one).await;
    one.add(&"large".repeat(300)).await.unwrap();
    world.switch_mode(Mode::Maintenance, 1).await;
    let lineage = one.store.lineages().await.unwrap()[0].id;
    one.store.restore(&soon(), lineage).await.unwrap();
    world.switch_mode(Mode::Normal, 2).await;
    let (mode, _) = world.coord.get(keys().mode()).await.unwrap();
    one.mode.observe(SeenMode::decode(mode.as_ref()).unwrap());
    for name in ["b", "c", "d"] {
        one.add(name).await.unwrap();
        archive_all(&one).await;
    }
    one.add("e").await.unwrap();
    drop(one);
    world
}

fn stopped(world: &mut World) -> Store {
    world.parts().0
}

async fn verify(world: &mut World) -> Vec<Finding> {
    stopped(world).verify().await.unwrap().findings
}

async fn put(world: &World, key: String, value: Vec<u8>) {
    world.coord.put(Put::new(key, value)).await.unwrap();
}

async fn delete(world: &World, range: KeyRange) {
    world.coord.txn(Txn::default().then(Op::delete(range))).await.unwrap();
}

async fn head(world: &World) -> Head {
    let found = world.coord.get(keys().head()).await.unwrap().0.unwrap();
    decode(&found.key, &found.value).unwrap()
}

#[track_caller]
fn assert_found(findings: &[Finding], place: &str, problem: &str) {
    let found =
        |finding: &Finding| finding.place.contains(place) && finding.problem.contains(problem);
    assert!(findings.iter().any(found), "no `{problem}` at `{place}` in {findings:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_sound_store_has_no_findings_before_and_after_its_first_boot() {
    let mut empty = World::new();
    assert_eq!(verify(&mut empty).await, []);
    drop(empty.start().await);
    assert_eq!(verify(&mut empty).await, []);
    let mut world = world().await;
    let verdict = stopped(&mut world).verify().await.unwrap();
    assert_eq!(verdict.findings, []);
    assert!(verdict.checked.states >= 5, "{:?}", verdict.checked);
}

#[tokio::test(start_paused = true)]
async fn a_flipped_byte_in_any_object_is_found_at_that_object() {
    let mut world = world().await;
    let keys = world.listed("test/toy").await;
    let kinds = ["current.json", "/in-force/", "lineage.json", "/checkpoints/", "/log/", "/data/"];
    assert!(kinds.iter().all(|kind| keys.iter().any(|key| key.as_ref().contains(kind))));
    for key in keys {
        let sound = world.objects.get(&key).await.unwrap().bytes().await.unwrap();
        for at in [0, sound.len() / 2, sound.len() - 1] {
            let mut bad = sound.to_vec();
            bad[at] ^= 1;
            world.objects.put(&key, PutPayload::from(bad)).await.unwrap();
            assert_found(&verify(&mut world).await, key.as_ref(), "");
        }
        world.objects.put(&key, PutPayload::from_bytes(sound)).await.unwrap();
    }
    assert_eq!(verify(&mut world).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_missing_object_is_found() {
    let mut world = world().await;
    for key in world.listed("test/toy").await {
        let sound = world.objects.get(&key).await.unwrap().bytes().await.unwrap();
        world.objects.delete(&key).await.unwrap();
        let findings = verify(&mut world).await;
        // The first checkpoint and the first segment stand in for each other; of the notes, the
        // newest decides.
        let spare = key.as_ref().ends_with("/00000000000000000001-00000000000000000001")
            || key.as_ref().contains("/in-force/00000000000000000000-")
            || key.as_ref().ends_with("/checkpoints/00000000000000000001.json");
        assert_eq!(findings.is_empty(), spare, "{key}: {findings:#?}");
        world.objects.put(&key, PutPayload::from_bytes(sound)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_and_objects_are_found() {
    let mut world = world().await;
    let stray = Path::from("test/toy/lineages/readme.txt");
    world.objects.put(&stray, PutPayload::from_static(b"hello")).await.unwrap();
    put(&world, "drydock/test/toy/notes".to_owned(), b"hello".to_vec()).await;
    let findings = verify(&mut world).await;
    assert_found(&findings, "readme.txt", "not an object of this version");
    assert_found(&findings, "toy/notes", "not a key of this version");
    assert_eq!(findings.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn damage_in_the_coordination_store_is_found() {
    let mut world = world().await;
    let (sound, at) = (world.coord.snapshot(), head(&world).await);
    let other = Head { commit: uuid::Uuid::max(), ..at };
    let ahead = Head { position: at.position + 1, ..at };
    let checkpoint = CheckpointRecord { lineage: at.lineage, position: 1 };
    let beyond = ArchivedRecord::at(&ahead);
    let cases = [
        (keys().head(), Some(encode(&other)), "toy/head", "the log ends at"),
        (keys().head(), Some(encode(&ahead)), "toy/head", "the log ends at"),
        (keys().head(), Some(b"{}".to_vec()), "toy/head", "cannot be read"),
        (keys().head(), None, "toy/head", "does not exist"),
        (keys().checkpoint(), Some(encode(&checkpoint)), "toy/head", "does not exist"),
        (keys().archived(), Some(encode(&beyond)), "toy/archived", "beyond it"),
        (keys().mode(), Some(b"maintenance".to_vec()), "toy/mode", "cannot be read"),
        (keys().commit(3), None, "log/00000000000000000004", "does not follow"),
        (keys().commit(2), Some(b"{}".to_vec()), "log/00000000000000000002", "cannot be read"),
        (keys().commit(at.position), None, "toy/head", "the log ends at"),
    ];
    for (key, value, place, problem) in cases {
        match value {
            Some(value) => put(&world, key, value).await,
            None => delete(&world, KeyRange::single(key)).await,
        }
        assert_found(&verify(&mut world).await, place, problem);
        world.coord.restore(sound.clone()).await;
    }
    assert_eq!(verify(&mut world).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_coordination_store_that_was_lost_or_set_back_is_found() {
    let mut world = world().await;
    let sound = world.coord.snapshot();
    world.coord.lose_everything();
    assert_found(&verify(&mut world).await, "toy/head", "does not exist");
    world.coord.restore(sound.clone()).await;
    let one = world.start().await;
    one.add("f").await.unwrap();
    archive_all(&one).await;
    drop(one);
    world.coord.restore(sound.clone()).await;
    assert_found(&verify(&mut world).await, "toy/head", "objects hold later commits");
}

/// A segment with a valid envelope whose content breaks a constraint.
#[tokio::test(start_paused = true)]
async fn content_that_breaks_a_constraint_or_its_type_is_found() {
    use crate::log::format::{Body, Mutation, Object, canonical};
    use crate::log::segment::{Segment, list, read};
    for (name, extra, problem) in [("a", false, "UNIQUE"), ("z", true, "not of its type")] {
        let mut world = world().await;
        let store = stopped(&mut world);
        let (objects, names) = (&store.inner.objects, &store.inner.object_keys);
        let lineage = head(&world).await.lineage;
        let span = *list(objects, names, lineage, 0).await.unwrap().last().unwrap();
        let mut segment = read(objects, names, lineage, span).await.unwrap();
        let id = uuid::Uuid::max();
        let mut data = serde_json::json!({ "id": id, "name": name });
        if extra {
            data["extra"] = true.into();
        }
        let data = canonical(&data).unwrap();
        let put = Mutation::Put(Object { r#type: "item".to_owned(), id, data });
        segment.commits.last_mut().unwrap().body = Body::Mutations(vec![put]);
        // The log would be read instead.
        delete(&world, keys().commits_until(span.last)).await;
        let bytes = Segment { lineage, commits: segment.commits }.encode();
        objects.put(&names.segment(lineage, span), bytes).await.unwrap();
        assert_found(&verify(&mut world).await, "", problem);
    }
}

#[tokio::test(start_paused = true)]
async fn a_survey_shows_the_contents_of_a_store() {
    let mut world = world().await;
    let survey = stopped(&mut world).survey().await.unwrap();
    assert_eq!(survey.head, Some(head(&world).await));
    assert_eq!(survey.lineages.len(), 2);
    assert_eq!((survey.log.first, survey.log.commits), (Some(1), 7));
    assert_eq!(survey.objects["segments"].count, 5);
    assert_eq!(survey.objects["checkpoints"].count, 2);
    assert!(survey.objects["data"].bytes > 0);
}
