//! What objects prove, against a coordination store that was set back or lost.

use std::time::Duration;

use object_store::ObjectStoreExt;
use tokio_util::sync::CancellationToken;

use super::recovery;
use super::tenure::Tenure;
use crate::coord::lock::Lock;
use crate::coord::{Coordination, CoordinationExt, Op, Txn};
use crate::log::format::{
    ArchivedRecord, Body, CheckpointRecord, Commit, Head, Position, decode, encode,
};
use crate::read_model::StoreError;
use crate::store::{Phase, Reads, Store};
use crate::tasks::{archive, checkpoint};
use crate::testkit::{Flaky, Instance, SCHEMA, World, keys};

fn world() -> World {
    let mut world = World::new();
    world.settings.tasks.checkpoint_commits = 1;
    world.settings.tasks.grace_ms = 0;
    world.settings.tasks.checkpoints_kept = 1;
    world
}

async fn add(instance: &Instance, names: &[&str]) {
    for name in names {
        instance.add(name).await.unwrap();
    }
}

async fn lock(store: &Store, task: &str) -> Lock {
    let inner = &store.inner;
    let key = inner.keys.task(task);
    Lock::try_take(&inner.coord, key, "test", Duration::from_secs(60)).await.unwrap().unwrap()
}

async fn archive_with(store: &Store, memory: &mut archive::Memory) -> Result<(), StoreError> {
    let lock = lock(store, "archive").await;
    let done = archive::run_once(store, lock.fence(), memory).await;
    lock.release().await.unwrap();
    done
}

async fn archive_all(instance: &Instance) {
    archive_with(&instance.store, &mut None).await.unwrap();
}

async fn checkpoint_now(instance: &Instance) {
    let lock = lock(&instance.store, "checkpoint").await;
    checkpoint::run_once(&instance.store, lock.fence()).await.unwrap();
    lock.release().await.unwrap();
}

async fn archived(world: &World) -> ArchivedRecord {
    let found = world.coord.get(keys().archived()).await.unwrap().0.unwrap();
    decode(&found.key, &found.value).unwrap()
}

async fn head(world: &World) -> Head {
    let found = world.coord.get(keys().head()).await.unwrap().0.unwrap();
    decode(&found.key, &found.value).unwrap()
}

/// A commit without effect by somebody who saw nothing but `head`.
async fn commit_blindly(world: &World) {
    let Head { lineage, position, commit } = head(world).await;
    let (id, body) = (uuid::Uuid::from_u128(u128::from(position)), Body::Mutations(Vec::new()));
    let time = jiff::Timestamp::UNIX_EPOCH;
    let (schema, position, previous) = (SCHEMA.version, position + 1, commit);
    let commit = Commit { lineage, position, previous, id, time, schema, body };
    let txn = Txn::default()
        .then(Op::put(keys().head(), encode(&commit.head())))
        .then(Op::put(keys().commit(commit.position), encode(&commit)));
    world.coord.txn(txn).await.unwrap();
}

/// Two commits archived and then two more; the coordination store knows the first two and one of
/// the others. Answers the names there were.
async fn set_back(world: &mut World) -> Vec<String> {
    let one = world.start().await;
    add(&one, &["a", "b"]).await;
    archive_all(&one).await;
    add(&one, &["c"]).await;
    let old = world.coord.snapshot();
    add(&one, &["d"]).await;
    archive_all(&one).await;
    let names = one.names(Reads::Linearizable).await;
    drop(one);
    world.coord.restore(old).await;
    names
}

#[tokio::test(start_paused = true)]
async fn a_load_waits_for_objects() {
    let mut world = world();
    let names = set_back(&mut world).await;
    world.objects_out = true;
    let (store, loops, _) = world.parts();
    let stop = CancellationToken::new();
    let running = tokio::spawn(loops.run(stop.clone()));
    let mut applied = store.applied();
    let ready = applied.wait_for(|applied| applied.phase == Phase::Ready);
    let ready = tokio::time::timeout(Duration::from_secs(600), ready).await;
    assert!(ready.is_err(), "it has loaded what was set back");
    stop.cancel();
    running.await.unwrap();
    world.objects_out = false;
    assert_eq!(world.start().await.names(Reads::Linearizable).await, names);
}

#[tokio::test(start_paused = true)]
async fn another_course_is_found_out_by_its_commits() {
    let mut world = world();
    let names = set_back(&mut world).await;
    // As many as there were, and more.
    for _ in 0..3 {
        commit_blindly(&world).await;
    }
    assert_eq!(world.start().await.names(Reads::Linearizable).await, names);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_archived_beside_what_objects_prove() {
    let mut world = world();
    let names = set_back(&mut world).await;
    let (store, ..) = world.parts();
    commit_blindly(&world).await;
    let before = archived(&world).await;
    let refused = archive_with(&store, &mut None).await;
    assert!(matches!(refused, Err(StoreError::SetBack)), "{refused:?}");
    assert_eq!(archived(&world).await, before);
    world.coord = Flaky::new();
    assert_eq!(world.start().await.names(Reads::Linearizable).await, names);
}

/// It reads the log anew in each pass, and the log took another course since the last one.
#[tokio::test(start_paused = true)]
async fn an_archiver_does_not_change_its_course() {
    let mut world = world();
    let one = world.start().await;
    let mut memory = None;
    add(&one, &["a"]).await;
    archive_with(&one.store, &mut memory).await.unwrap();
    let old = world.coord.snapshot();
    add(&one, &["b"]).await;
    archive_with(&one.store, &mut memory).await.unwrap();
    let names = one.names(Reads::Linearizable).await;
    let store = one.store.clone();
    drop(one);
    world.coord.restore(old).await;
    commit_blindly(&world).await;
    commit_blindly(&world).await;
    let refused = archive_with(&store, &mut memory).await;
    assert!(matches!(refused, Err(StoreError::SetBack)), "{refused:?}");
    assert_eq!(archived(&world).await.position, 1);
    assert_eq!(world.start().await.names(Reads::Linearizable).await, names);
}

#[tokio::test(start_paused = true)]
async fn an_archiver_that_stood_still_publishes_nothing() {
    let mut world = world();
    let one = world.start().await;
    let mut memory = None;
    add(&one, &["a"]).await;
    archive_with(&one.store, &mut memory).await.unwrap();
    Tenure::begin(&one.store.inner).await.unwrap();
    add(&one, &["b"]).await;
    let late = archive_with(&one.store, &mut memory).await;
    assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
    assert_eq!(archived(&world).await.position, 1);
    // With a ballot of its own it may.
    archive_with(&one.store, &mut memory).await.unwrap();
    assert_eq!(archived(&world).await.position, 2);
}

/// A recovery is cut short right after it took place; then even the new store is lost.
#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_before_objects_name_its_lineage() {
    let mut world = world();
    let names = set_back(&mut world).await;
    let (store, ..) = world.parts();
    recovery::sound_start(&store.inner).await.unwrap();
    let begun = archived(&world).await;
    assert_eq!((begun.position, begun.is_published()), (4, false));
    archive_with(&store, &mut None).await.unwrap();
    let named = archived(&world).await;
    assert_eq!((named.position, named.is_published()), (5, true));
    world.coord = Flaky::new();
    assert_eq!(world.start().await.names(Reads::Linearizable).await, names);
}

/// The lineage that a set-back brings back was begun from less than what is archived by now.
#[tokio::test(start_paused = true)]
async fn a_lineage_that_never_was_noted_does_not_come_back() {
    let mut world = world();
    let one = world.start().await;
    add(&one, &["a"]).await;
    archive_all(&one).await;
    drop(one);
    // Somebody recovers, and is killed.
    let sound = world.coord.snapshot();
    world.coord = Flaky::new();
    let (store, ..) = world.parts();
    recovery::sound_start(&store.inner).await.unwrap();
    let begun = world.coord.snapshot();
    // Meanwhile the first lineage goes on.
    world.coord = Flaky::new();
    world.coord.restore(sound).await;
    let two = world.start().await;
    add(&two, &["b"]).await;
    archive_all(&two).await;
    drop(two);
    world.coord.restore(begun).await;
    let (store, loops, _) = world.parts();
    let stop = CancellationToken::new();
    let running = tokio::spawn(loops.run(stop.clone()));
    // Under an identity of its own, it may be the store of somebody else.
    let reason = store.halted().await;
    assert!(reason.contains("another coordination store"), "{reason}");
    stop.cancel();
    running.await.unwrap();
    assert_eq!(world_without(&mut world).await, ["a", "b"]);
}

async fn world_without(world: &mut World) -> Vec<String> {
    world.coord = Flaky::new();
    world.start().await.names(Reads::Linearizable).await
}

/// A sweep deletes at once what a coordination store that is set back names again.
#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_was_collected_is_not_needed() {
    let mut world = world();
    let one = world.start().await;
    add(&one, &["a"]).await;
    archive_all(&one).await;
    checkpoint_now(&one).await;
    add(&one, &["b"]).await;
    archive_all(&one).await;
    let old = world.coord.snapshot();
    checkpoint_now(&one).await;
    drop(one);
    let (store, ..) = world.parts();
    let swept = store.sweep().await.unwrap();
    assert!(swept.iter().any(|key| key.as_ref().contains("/checkpoints/")), "{swept:?}");
    world.coord.restore(old).await;
    let two = world.start().await;
    assert_eq!(two.names(Reads::Linearizable).await, ["a", "b"]);
    assert_eq!(head(&world).await.position, 2, "nothing was lost");
    add(&two, &["c"]).await;
    archive_all(&two).await;
    checkpoint_now(&two).await;
    let found = world.coord.get(keys().checkpoint()).await.unwrap().0.unwrap();
    let checkpoint: CheckpointRecord = decode(&found.key, &found.value).unwrap();
    let expected: Position = 3;
    assert_eq!(checkpoint.position, expected);
}

/// What an archiver stored that is dead, and arrives late, has a lower ballot.
#[tokio::test(start_paused = true)]
async fn the_highest_ballot_counts_at_each_position() {
    let mut world = world();
    let one = world.start().await;
    add(&one, &["a"]).await;
    archive_all(&one).await;
    let old = world.coord.snapshot();
    add(&one, &["lost", "lost too"]).await;
    let late = world.log_as_segment(2, 3).await;
    drop(one);
    world.coord.restore(old).await;
    let two = world.start().await;
    add(&two, &["b"]).await;
    archive_all(&two).await;
    add(&two, &["c"]).await;
    archive_all(&two).await;
    let names = two.names(Reads::Linearizable).await;
    drop(two);
    world.objects.put(&late.0, late.1.into()).await.unwrap();
    assert_eq!(world.start().await.names(Reads::Linearizable).await, names);
    let (store, ..) = world.parts();
    assert_eq!(store.verify().await.unwrap().findings, []);
    assert_eq!(world_without(&mut world).await, names);
}
