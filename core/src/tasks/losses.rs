//! The coordination store is lost, set back, or another one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

use super::archive;
use super::tests::{add_many, add_once, archive_all, checkpoint_now, lock, small_world};
use crate::coord::{CoordinationExt, Put};
use crate::error::{Code, first_api_error};
use crate::lineage::notes;
use crate::lineage::record::CurrentLineage;
use crate::log::ballot::Ballot;
use crate::log::format::{Mode, ModeRecord, decode};
use crate::objects::envelope;
use crate::store::{Durability, Phase, Reads};
use crate::testkit::{Flaky, Instance, World, keys, soon};

#[tokio::test(start_paused = true)]
async fn a_lost_coordination_store_is_recovered_from_objects() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 5).await;
    archive_all(&one).await;
    checkpoint_now(&one).await;
    add_many(&one, "b", 5).await;
    archive_all(&one).await;
    let names = one.names(Reads::Linearizable).await;
    add_many(&one, "lost", 2).await;
    drop(one);
    world.coord = Flaky::new();
    let two = world.start().await;
    assert_eq!(two.names(Reads::Linearizable).await, names);
    assert_eq!(two.store.applied().borrow().position(), Some(11));
    add_many(&two, "c", 3).await;
    archive_all(&two).await;
    drop(two);
    // And once more, from the recovered lineage.
    world.coord = Flaky::new();
    let three = world.start().await;
    assert_eq!(three.names(Reads::Linearizable).await.len(), 13);
}

#[tokio::test(start_paused = true)]
async fn a_mode_that_is_set_in_an_empty_store_is_kept_by_its_recovery() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 5).await;
    archive_all(&one).await;
    drop(one);
    world.coord = Flaky::new();
    world.switch_mode(Mode::Maintenance, 1).await;
    let two = world.start().await;
    assert_eq!(two.names(Reads::Linearizable).await.len(), 5);
    let mode = world.coord.get(keys().mode()).await.unwrap().0;
    let mode = crate::maintenance::SeenMode::decode(mode.as_ref()).unwrap();
    assert_eq!(mode.mode, Mode::Maintenance);
    assert!(mode.generation > 1, "newer than any that an instance has seen");
}

#[tokio::test(start_paused = true)]
async fn a_running_instance_survives_the_loss() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 5).await;
    archive_all(&one).await;
    world.switch_mode(Mode::Maintenance, 7).await;
    world.switch_mode(Mode::Normal, 8).await;
    let seen = world.coord.get(keys().mode()).await.unwrap().0;
    one.mode.observe(crate::maintenance::SeenMode::decode(seen.as_ref()).unwrap());
    world.coord.lose_everything();
    let mut applied = one.store.applied();
    let recovered = applied.wait_for(|applied| applied.position() == Some(6));
    tokio::time::timeout(std::time::Duration::from_secs(60), recovered).await.unwrap().unwrap();
    assert_eq!(one.names(Reads::Linearizable).await.len(), 5);
    one.add("b").await.unwrap();
    assert!(one.mode.get().unwrap().generation > 8, "generations go on over a recovery");
}

/// A store that was copied key by key: it has the same contents at other revisions.
#[tokio::test(start_paused = true)]
async fn another_coordination_store_that_holds_the_same_is_written_to() {
    let mut world = small_world();
    let one = world.start().await;
    for _ in 0..3 {
        // The other store has only the last of these, so that its revisions are others.
        world.coord.memory().put(Put::new(keys().joined(), "one")).await.unwrap();
    }
    add_many(&one, "a", 5).await;
    let mut applied = one.store.applied();
    let before = applied.borrow_and_update().revision;
    world.coord.restore(world.coord.snapshot()).await;
    let refused = add_once(&one, "b").await;
    assert!(refused.is_err());
    let loaded = applied.wait_for(|now| now.phase == Phase::Ready && now.revision != before);
    tokio::time::timeout(Duration::from_secs(60), loaded).await.unwrap().unwrap();
    one.add("b").await.unwrap();
    assert_eq!(one.names(Reads::Linearizable).await.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_coordination_store_that_was_set_back_is_found_out() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 5).await;
    archive_all(&one).await;
    let old = world.coord.snapshot();
    add_many(&one, "b", 5).await;
    archive_all(&one).await;
    let names = one.names(Reads::Linearizable).await;
    drop(one);
    world.coord.restore(old).await;
    let two = world.start().await;
    assert_eq!(two.names(Reads::Linearizable).await, names);
    two.add("c").await.unwrap();
    assert_eq!(two.store.applied().borrow().position(), Some(12));
}

/// An instance that has applied two commits which its coordination store has lost since.
async fn set_back() -> (World, Instance) {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 5).await;
    let old = world.coord.snapshot();
    add_many(&one, "lost", 2).await;
    world.coord.restore(old).await;
    (world, one)
}

#[tokio::test(start_paused = true)]
async fn commits_that_a_set_back_store_has_lost_are_not_read() {
    let (_world, one) = set_back().await;
    let read = one.store.read(&soon(), Reads::Linearizable, |_| Ok(())).await;
    assert!(read.is_err(), "the read model is ahead of the store");
    // The switch to the lineage that continues from the present contents of the store.
    let mut applied = one.store.applied();
    let back = applied.wait_for(|applied| applied.position() == Some(6));
    tokio::time::timeout(std::time::Duration::from_secs(60), back).await.unwrap().unwrap();
    assert_eq!(one.names(Reads::Linearizable).await.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn commits_that_a_set_back_store_has_lost_decide_no_write() {
    let (_world, one) = set_back().await;
    let decided = one.store.transact(&soon(), |_| Ok(())).await.unwrap_err();
    assert_eq!(first_api_error(decided.as_ref()).unwrap().code(), Code::NotReady.as_str());
}

/// A segment of the lost log is on its way to object storage while the log continues differently.
#[tokio::test(start_paused = true)]
async fn after_a_set_back_no_part_of_the_lost_log_is_taken_for_the_new_one() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 3).await;
    archive_all(&one).await;
    add_many(&one, "b", 2).await;
    let old = world.coord.snapshot();
    add_many(&one, "lost", 4).await;
    let late = world.log_as_segment(4, 9).await;
    world.coord.restore(old).await;
    let mut applied = one.store.applied();
    let forked = applied.wait_for(|applied| applied.position() == Some(6));
    tokio::time::timeout(std::time::Duration::from_secs(60), forked).await.unwrap().unwrap();
    let lineages = one.store.lineages().await.unwrap();
    assert_eq!(lineages.len(), 2, "{lineages:?}");
    add_many(&one, "c", 5).await;
    archive_all(&one).await;
    world.objects.put(&late.0, late.1.into()).await.unwrap();
    let names = one.names(Reads::Linearizable).await;
    assert_eq!(names.len(), 10);
    drop(one);
    world.coord = Flaky::new();
    let two = world.start().await;
    assert_eq!(two.names(Reads::Linearizable).await, names);
}

#[tokio::test(start_paused = true)]
async fn the_newest_checkpoint_that_verifies_is_taken() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 5).await;
    archive_all(&one).await;
    checkpoint_now(&one).await;
    add_many(&one, "b", 5).await;
    archive_all(&one).await;
    checkpoint_now(&one).await;
    let names = one.names(Reads::Linearizable).await;
    drop(one);
    let manifest = world.newest_manifest().await;
    world.objects.put(&manifest, vec![7u8; 100].into()).await.unwrap();
    world.coord = Flaky::new();
    let two = world.start().await;
    assert_eq!(two.names(Reads::Linearizable).await, names);
}

#[tokio::test(start_paused = true)]
async fn two_coordination_stores_on_the_same_objects_the_loser_stops() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 5).await;
    archive_all(&one).await;
    let first = world.coord.clone();
    world.coord = Flaky::new();
    let two = world.start().await;
    add_many(&two, "b", 1).await;
    add_many(&one, "c", 1).await;
    let lock = lock(&one, "archive").await;
    archive::run_once(&one.store, lock.fence(), &mut None).await.unwrap_err();
    let reason = one.store.halted().await;
    assert!(reason.contains("another coordination store"), "{reason}");
    drop((one, lock));
    // Nor does it start again, while the winner goes on.
    world.coord = first;
    let (store, loops, _) = world.parts();
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(loops.run(stop.clone()));
    let reason = store.halted().await;
    assert!(reason.contains("belongs to another coordination store"), "{reason}");
    stop.cancel();
    running.await.unwrap();
    two.add("d").await.unwrap();
    archive_all(&two).await;
}

/// Each of them would archive some of the commits, and neither bucket would hold all.
#[tokio::test(start_paused = true)]
async fn an_instance_with_another_bucket_does_not_start() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 2).await;
    let ours = std::mem::replace(&mut world.objects, Arc::new(InMemory::new()));
    for archived in [false, true] {
        if archived {
            archive_all(&one).await;
        }
        let (store, loops, _) = world.parts();
        let stop = tokio_util::sync::CancellationToken::new();
        let running = tokio::spawn(loops.run(stop.clone()));
        let reason = store.halted().await;
        assert!(reason.contains("another bucket"), "{reason}");
        stop.cancel();
        running.await.unwrap();
        let stored = world.objects.list(None).try_collect::<Vec<_>>().await.unwrap();
        assert_eq!(stored, [], "nothing is written to it");
    }
    world.objects = ours;
    add_many(&one, "b", 1).await;
    let names = one.names(Reads::Linearizable).await;
    drop(one);
    assert_eq!(world.start().await.names(Reads::Linearizable).await, names);
}

/// A recovery that could not note its lineage in objects: until an instance does, no commit may
/// count as archived, because the next recovery would not find it.
#[tokio::test(start_paused = true)]
async fn nothing_is_archived_in_a_lineage_that_objects_do_not_name() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 3).await;
    archive_all(&one).await;
    let first = one.store.lineages().await.unwrap()[0].id;
    drop(one);
    world.coord = Flaky::new();
    let two = world.start().await;
    let current = object_store::path::Path::from("test/toy/current.json");
    let late = envelope::encode(&CurrentLineage { lineage: first });
    world.objects.put(&current, late.into()).await.unwrap();
    add_many(&two, "b", 2).await;
    archive_all(&two).await;
    let names = two.names(Reads::Linearizable).await;
    drop(two);
    world.coord = Flaky::new();
    let three = world.start().await;
    assert_eq!(three.names(Reads::Linearizable).await, names);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_note_of_the_current_lineage_is_repaired_by_the_archiver() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 2).await;
    archive_all(&one).await;
    let current = object_store::path::Path::from("test/toy/current.json");
    world.objects.put(&current, "rubbish".into()).await.unwrap();
    drop(one);
    let two = world.start().await;
    add_many(&two, "b", 2).await;
    archive_all(&two).await;
    assert_eq!(two.store.verify().await.unwrap().findings, []);
}

/// The instance that began the first lineage is paused before it notes it, and notes it late.
#[tokio::test(start_paused = true)]
async fn a_late_note_of_an_earlier_lineage_changes_nothing() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 3).await;
    archive_all(&one).await;
    let first = one.store.lineages().await.unwrap()[0].id;
    drop(one);
    world.coord = Flaky::new();
    let two = world.start().await;
    add_many(&two, "b", 2).await;
    archive_all(&two).await;
    let names = two.names(Reads::Linearizable).await;
    let (store, _, _) = world.parts();
    let (objects, keys) = (&store.inner.objects, &store.inner.object_keys);
    let ballot = Ballot { number: 1, session: uuid::Uuid::nil() };
    notes::note(objects, keys, ballot, first).await.unwrap();
    drop((two, store));
    world.coord = Flaky::new();
    let three = world.start().await;
    assert_eq!(three.names(Reads::Linearizable).await, names);
}

#[tokio::test(start_paused = true)]
async fn maintenance_that_a_set_back_store_holds_stays_on() {
    let mut world = small_world();
    let one = world.start().await;
    add_many(&one, "a", 3).await;
    world.switch_mode(Mode::Maintenance, 7).await;
    let old = world.coord.snapshot();
    world.switch_mode(Mode::Normal, 8).await;
    let seen = world.coord.get(keys().mode()).await.unwrap().0;
    one.mode.observe(crate::maintenance::SeenMode::decode(seen.as_ref()).unwrap());
    add_many(&one, "lost", 2).await;
    world.coord.restore(old).await;
    let mut applied = one.store.applied();
    let forked = applied.wait_for(|applied| applied.position() == Some(4));
    tokio::time::timeout(Duration::from_secs(60), forked).await.unwrap().unwrap();
    let mode = world.coord.get(keys().mode()).await.unwrap().0.unwrap();
    let mode: ModeRecord = decode(&mode.key, &mode.value).unwrap();
    assert_eq!(mode.mode, Mode::Maintenance);
    assert!(mode.generation > 8, "running instances must see it as newer");
    assert!(one.add("b").await.is_err());
}

/// The commit of the write was in the log, and is gone once the archive reaches its position.
#[tokio::test(start_paused = true)]
async fn a_write_that_a_set_back_took_away_is_not_acknowledged() {
    let mut world = small_world();
    world.settings.durability = Durability::Archived;
    world.settings.unarchived_commits = 1_000;
    let one = world.start().await;
    let old = world.coord.snapshot();
    let lost = async { one.add("lost").await };
    let course = async {
        while world.coord.log().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        world.coord.restore(old).await;
        let mut applied = one.store.applied();
        let forked = applied.wait_for(|applied| applied.head.is_some_and(|at| at.position == 1));
        tokio::time::timeout(Duration::from_secs(60), forked).await.unwrap().unwrap();
        archive_all(&one).await;
    };
    let (lost, ()) = tokio::join!(lost, course);
    assert!(lost.is_err(), "{lost:?}");
    let read = one.store.read(&soon(), Reads::Linearizable, |_| Ok(())).await;
    read.unwrap();
    assert!(one.names(Reads::Linearizable).await.is_empty());
}
