use object_store::ObjectStoreExt;
use uuid::Uuid;

use super::*;
use crate::coord::lock::Lock;
use crate::coord::{Coordination, CoordinationExt, Op, RangeRequest, Txn};
use crate::error::BoxError;
use crate::lineage::list::records;
use crate::lineage::record::LineageRecord;
use crate::log::format::{ArchivedRecord, CheckpointRecord, Reason, decode};
use crate::read_model::StoreError;
use crate::read_model::floors::Floors;
use crate::store::{Durability, Reads};
use crate::testkit::{Flaky, Instance, Mishap, World, keys};

pub(super) async fn lock(instance: &Instance, name: &str) -> Lock {
    let inner = &instance.store.inner;
    let ttl = std::time::Duration::from_secs(60);
    Lock::try_take(&inner.coord, inner.keys.task(name), "test", ttl).await.unwrap().unwrap()
}

pub(super) async fn archive_all(instance: &Instance) {
    let lock = lock(instance, "archive").await;
    archive::run_once(&instance.store, lock.fence(), &mut None).await.unwrap();
    lock.release().await.unwrap();
}

pub(super) async fn checkpoint_now(instance: &Instance) {
    let lock = lock(instance, "checkpoint").await;
    checkpoint::run_once(&instance.store, lock.fence()).await.unwrap();
    lock.release().await.unwrap();
}

pub(super) async fn trim_now(instance: &Instance) {
    let lock = lock(instance, "trim").await;
    trim::run_once(&instance.store, lock.fence()).await.unwrap();
    lock.release().await.unwrap();
}

pub(super) async fn archived(world: &World) -> u64 {
    let found = world.coord.get(keys().archived()).await.unwrap().0.unwrap();
    decode::<ArchivedRecord>(&found.key, &found.value).unwrap().position
}

pub(super) async fn checkpointed(world: &World) -> Option<u64> {
    let found = world.coord.get(keys().checkpoint()).await.unwrap().0?;
    Some(decode::<CheckpointRecord>(&found.key, &found.value).unwrap().position)
}

pub(super) async fn log_len(world: &World) -> usize {
    world.coord.range(RangeRequest::new(keys().commits())).await.unwrap().count
}

pub(super) fn small_world() -> World {
    let mut world = World::new();
    world.settings.tasks.checkpoint_commits = 1;
    world.settings.tasks.window_commits = 2;
    world.settings.tasks.grace_ms = 0;
    world
}

pub(super) async fn add_many(instance: &Instance, prefix: &str, count: usize) {
    for nth in 0..count {
        instance.add(&format!("{prefix}{nth:03}")).await.unwrap();
    }
}

/// Adds one name; panics if the log refuses the commit, because no other instance commits.
pub(super) async fn add_once(instance: &Instance, name: &str) -> Result<Uuid, BoxError> {
    let nothing_came_first = async {
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        let counted = instance.store.stats().list();
        assert!(counted.contains(&("conflicts", 0)), "refused for ever: {counted:?}");
    };
    let (added, ()) = tokio::join!(instance.add(name), nothing_came_first);
    added
}

#[tokio::test(start_paused = true)]
async fn a_store_loads_from_checkpoint_segments_and_log() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 10).await;
    archive_all(&one).await;
    checkpoint_now(&one).await;
    add_many(&one, "b", 10).await;
    archive_all(&one).await;
    trim_now(&one).await;
    add_many(&one, "c", 10).await;
    assert_eq!((archived(&world).await, checkpointed(&world).await), (20, Some(10)));
    assert_eq!(log_len(&world).await, 12, "ten new ones, and a window of two");
    let names = one.names(Reads::Linearizable).await;
    assert_eq!(names.len(), 30);
    let export = one.export().await;
    drop(one);
    let two = world.start().await;
    assert_eq!(two.names(Reads::Linearizable).await, names);
    assert_eq!(two.export().await, export);
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_was_away_over_a_trim_loses_nothing() {
    let mut world = small_world();
    let (one, two) = (world.start().await, world.start().await);
    world.coord.swallow_events(usize::MAX);
    add_many(&one, "a", 20).await;
    archive_all(&one).await;
    trim_now(&one).await;
    assert_eq!(two.names(Reads::Linearizable).await.len(), 20);
}

/// Its key in the log is gone, and the feed has not delivered it: the next commit still follows it.
#[tokio::test(start_paused = true)]
async fn a_commit_that_was_trimmed_before_its_outcome_was_known_is_built_upon() {
    let mut world = small_world();
    world.settings.tasks.window_commits = 0;
    let (one, two) = (world.start().await, world.start().await);
    world.coord.swallow_events(usize::MAX);
    world.coord.next([Mishap::LoseAnswer]);
    let trimmed = async {
        while log_len(&world).await == 0 {
            tokio::task::yield_now().await;
        }
        two.add("c").await.unwrap();
        archive_all(&two).await;
        trim_now(&two).await;
        assert_eq!(log_len(&world).await, 1, "the newest commit");
    };
    let (added, ()) = tokio::join!(one.add("a"), trimmed);
    added.unwrap();
    add_once(&one, "b").await.unwrap();
    assert_eq!(two.names(Reads::Linearizable).await, ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_lost_its_lock_publishes_nothing() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 5).await;
    let stale = lock(&one, "archive").await;
    let fence = stale.fence().clone();
    stale.release().await.unwrap();
    let fenced = |done| assert!(matches!(done, Err(StoreError::Fenced)), "{done:?}");
    fenced(archive::run_once(&one.store, &fence, &mut None).await);
    assert!(world.coord.get(keys().archived()).await.unwrap().0.is_none());
    archive_all(&one).await;
    fenced(checkpoint::run_once(&one.store, &fence).await);
    assert_eq!(checkpointed(&world).await, None);
    fenced(trim::run_once(&one.store, &fence).await);
    assert_eq!(log_len(&world).await, 5);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_data_file_is_shared() {
    let mut world = small_world();
    let one = world.start().await;
    let note = |n: usize| format!("{n}-").repeat(2500);
    for round in 0..4 {
        let ids = one
            .store
            .transact(&crate::testkit::soon(), move |tx| {
                let item = tx.new_id();
                let named = crate::testkit::Item { id: item, name: format!("i{round}") };
                tx.put("item", item, &named)?;
                for n in 0..700 {
                    let id = tx.new_id();
                    tx.put("part", id, &crate::testkit::Part { id, item, note: note(n) })?;
                }
                Ok(())
            })
            .await;
        ids.unwrap();
        archive_all(&one).await;
        checkpoint_now(&one).await;
    }
    let data = world.data_keys().await;
    let before: Vec<_> = data.clone();
    // A change at the end of the first type's range: the parts' files stay, but for those next to
    // it, which are written anew while the rest of one is too small for a file.
    one.add("z").await.unwrap();
    archive_all(&one).await;
    checkpoint_now(&one).await;
    let after = world.data_keys().await;
    let new = after.iter().filter(|key| !before.contains(key)).count();
    assert!(new <= 3, "{new} new files of {}", after.len());
    let export = one.export().await;
    drop(one);
    assert_eq!(world.start().await.export().await, export);
}

#[tokio::test(start_paused = true)]
async fn only_garbage_is_collected_and_only_when_its_writers_are_past() {
    let mut world = small_world();
    world.settings.inline_bytes = 10;
    let one = world.start().await;
    let mut memory = collect::GarbageCandidates::default();
    let lock = lock(&one, "collect").await;
    for round in 0..4 {
        add_many(&one, &format!("r{round}-"), 3).await;
        archive_all(&one).await;
        checkpoint_now(&one).await;
        trim_now(&one).await;
    }
    // An object of a writer that may still be on its way.
    let orphan = object_store::path::Path::from("test/toy/data/orphan");
    world.objects.put(&orphan, vec![1u8].into()).await.unwrap();
    let first = collect::run_once(&one.store, lock.fence(), &mut memory).await.unwrap();
    let again = collect::run_once(&one.store, lock.fence(), &mut memory).await.unwrap();
    assert!(first.is_empty() && again.is_empty(), "nothing has moved on: {first:?} {again:?}");
    add_many(&one, "head-moves", 1).await;
    let head_only = collect::run_once(&one.store, lock.fence(), &mut memory).await.unwrap();
    assert!(head_only.is_empty(), "the checkpoint has not moved on");
    archive_all(&one).await;
    checkpoint_now(&one).await;
    let both = collect::run_once(&one.store, lock.fence(), &mut memory).await.unwrap();
    assert!(both.contains(&orphan), "{both:?}");
    assert!(both.len() > 3);
    let export = one.export().await;
    drop(one);
    assert_eq!(world.start().await.export().await, export);
}

#[tokio::test(start_paused = true)]
async fn archived_durability_answers_only_when_a_segment_has_it() {
    let mut world = small_world();
    world.settings.durability = Durability::Archived;
    let one = world.start().await;
    let mut write = Box::pin(one.add("a"));
    let early = tokio::time::timeout(std::time::Duration::from_secs(5), write.as_mut()).await;
    assert!(early.is_err(), "acknowledged before it was archived");
    let (written, ()) = tokio::join!(write, archive_all(&one));
    written.unwrap();
    drop(one);
    world.coord = Flaky::new();
    assert_eq!(world.start().await.names(Reads::Local).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn writes_are_refused_before_the_log_outgrows_its_place() {
    let mut world = small_world();
    world.settings.unarchived_commits = 4;
    let one = world.start().await;
    add_many(&one, "a", 4).await;
    let refused = one.add("b").await.unwrap_err();
    let api = crate::error::first_api_error(refused.as_ref()).unwrap();
    assert_eq!(api.code(), "storage_unavailable");
    archive_all(&one).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    one.add("b").await.unwrap();
}

/// Runs the tasks as the runtime does, long enough for several passes of each.
#[tokio::test(start_paused = true)]
async fn the_tasks_together_keep_the_log_short_and_lose_nothing() {
    let mut world = small_world();
    world.settings.tasks.checkpoint_commits = 20;
    let instances = [world.start().await, world.start().await];
    let stop = tokio_util::sync::CancellationToken::new();
    let tasks: Vec<_> = instances
        .iter()
        .map(|one| tokio::spawn(run(one.store.clone(), "test".to_owned(), stop.clone())))
        .collect();
    for round in 0..40 {
        for (nth, one) in instances.iter().enumerate() {
            add_many(one, &format!("{nth}-{round}-"), 5).await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    }
    stop.cancel();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(log_len(&world).await < 20);
    assert!(checkpointed(&world).await.unwrap() > 300);
    let held = world.coord.range(RangeRequest::new(keys().tasks())).await.unwrap();
    assert_eq!(held.count, 0, "locks are given back");
    let names = instances[0].names(Reads::Linearizable).await;
    assert_eq!(names.len(), 400);
    drop(instances);
    assert_eq!(world.start().await.names(Reads::Local).await, names);
}

/// A set-back may remove a lock's key and leave its lease, while no other instance could take it.
#[tokio::test(start_paused = true)]
async fn a_lock_whose_lease_outlives_it_is_taken_again() {
    let mut world = small_world();
    let one = world.start().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let tasks = tokio::spawn(run(one.store.clone(), "test".to_owned(), stop.clone()));
    add_many(&one, "a", 5).await;
    until_archived(&world, 5).await;
    let gone = Txn::default().then(Op::delete(keys().tasks()));
    world.coord.txn(gone).await.unwrap();
    add_many(&one, "b", 5).await;
    until_archived(&world, 10).await;
    stop.cancel();
    tasks.await.unwrap();
}

async fn until_archived(world: &World, position: u64) {
    let archived = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let found = world.coord.get(keys().archived()).await.unwrap().0;
            let record = found.map(|kv| decode::<ArchivedRecord>(&kv.key, &kv.value).unwrap());
            if record.is_some_and(|record| record.position >= position) {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(600), archived).await.unwrap();
}

/// A lineage that never became the current one must not push a real one out of the kept ones.
#[tokio::test(start_paused = true)]
async fn imports_that_were_given_up_cost_no_lineage() {
    let mut world = small_world();
    world.settings.tasks.lineages_kept = 2;
    let one = world.start().await;
    add_many(&one, "a", 3).await;
    archive_all(&one).await;
    checkpoint_now(&one).await;
    let inner = &one.store.inner;
    for nth in 0..5 {
        let head = one.store.applied().borrow().head.unwrap();
        let lineage = inner.env.new_id();
        let record = LineageRecord {
            lineage,
            epoch: 1,
            identity: inner.env.new_id(),
            parent: Some(head.lineage),
            replaced: Some(head.lineage),
            fork: head.position,
            follows: Some(head),
            reason: Reason::Import,
            created: inner.env.now(),
            schema: 1,
            floors: Floors::default(),
        };
        let key = inner.object_keys.lineage(lineage);
        inner.objects.put_envelope(&key, &record).await.unwrap();
        add_many(&one, &format!("b{nth}-"), 2).await;
    }
    let mut memory = collect::GarbageCandidates::default();
    let lock = lock(&one, "collect").await;
    for nth in 0..3 {
        add_many(&one, &format!("c{nth}-"), 2).await;
        archive_all(&one).await;
        checkpoint_now(&one).await;
        collect::run_once(&one.store, lock.fence(), &mut memory).await.unwrap();
    }
    let left = records(&inner.objects, &inner.object_keys).await.unwrap();
    assert_eq!(left.len(), 1, "those that were given up are gone: {left:?}");
    let export = one.export().await;
    drop(lock);
    drop(one);
    assert_eq!(world.start().await.export().await, export);
    world.coord = Flaky::new();
    let names = world.start().await.names(Reads::Local).await;
    assert_eq!(names.len(), 19);
}
