use std::time::Duration;

use jiff::Timestamp;

use super::compact::{self, History};
use super::tests::{add_many, lock, small_world};
use crate::coord::{Coordination, CoordinationExt, Error, Put, Revision, Space, WatchRequest};
use crate::error::first_api_error;
use crate::log::format::{InstanceRecord, InstanceState, encode};
use crate::read_model::StoreError;
use crate::testkit::{Instance, Mishap, World, keys};

fn world() -> World {
    let mut world = small_world();
    world.settings.tasks.history_revisions = 10;
    world.settings.tasks.behind_revisions = 1_000;
    world
}

/// An instance says what it has applied; without a position it is loading.
async fn report(world: &World, id: &str, position: Option<u64>) {
    let record = InstanceRecord {
        id: id.to_owned(),
        version: "1".to_owned(),
        schema: 1,
        address: "a:1".to_owned(),
        state: if position.is_some() { InstanceState::Normal } else { InstanceState::Loading },
        generation: 0,
        position,
        seen_at: Timestamp::UNIX_EPOCH,
    };
    world.coord.put(Put::new(keys().instance(id), encode(&record))).await.unwrap();
}

async fn compact_now(instance: &Instance, history: &mut History) {
    let lock = lock(instance, "compact").await;
    compact::run_once(&instance.store, lock.fence(), history).await.unwrap();
    lock.release().await.unwrap();
}

async fn revision_of(world: &World, position: u64) -> Revision {
    world.coord.get(keys().commit(position)).await.unwrap().0.unwrap().mod_revision
}

/// Whether what comes after a commit can still be watched.
async fn can_watch_after(world: &World, position: u64) -> bool {
    let from = revision_of(world, position).await + 1;
    let mut watch = match world.coord.watch(WatchRequest::new(keys().commits()).from(from)).await {
        Err(Error::Compacted { .. }) => return false,
        watch => watch.unwrap(),
    };
    !matches!(futures_util::StreamExt::next(&mut watch).await, Some(Err(Error::Compacted { .. })))
}

#[tokio::test(start_paused = true)]
async fn history_is_dropped_up_to_what_the_slowest_instance_has_applied() {
    let mut world = world();
    let (one, mut history) = (world.start().await, History::default());
    report(&world, "fast", Some(100)).await;
    add_many(&one, "a", 100).await;
    report(&world, "slow", Some(40)).await;
    compact_now(&one, &mut history).await;
    assert!(can_watch_after(&world, 40).await, "the slow one still has to watch that");
    assert!(!can_watch_after(&world, 38).await, "nobody needs that");
    report(&world, "slow", Some(100)).await;
    compact_now(&one, &mut history).await;
    assert!(!can_watch_after(&world, 80).await, "nobody needs that");
    assert!(can_watch_after(&world, 98).await, "some revisions are kept in any case");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_too_far_behind_is_not_waited_for() {
    let mut world = world();
    world.settings.tasks.behind_revisions = 30;
    let (one, mut history) = (world.start().await, History::default());
    add_many(&one, "a", 100).await;
    report(&world, "slow", Some(40)).await;
    compact_now(&one, &mut history).await;
    assert!(!can_watch_after(&world, 60).await);
    assert!(can_watch_after(&world, 80).await);
}

#[tokio::test(start_paused = true)]
async fn while_an_instance_loads_nothing_is_dropped_that_came_after_it() {
    let mut world = world();
    let (one, mut history) = (world.start().await, History::default());
    add_many(&one, "a", 50).await;
    report(&world, "new", None).await;
    add_many(&one, "b", 50).await;
    compact_now(&one, &mut history).await;
    assert!(can_watch_after(&world, 50).await);
    assert!(!can_watch_after(&world, 48).await);
}

/// Heartbeats and locks write, too.
#[tokio::test(start_paused = true)]
async fn history_is_dropped_while_nothing_is_committed() {
    let mut world = world();
    let (one, mut history) = (world.start().await, History::default());
    add_many(&one, "a", 5).await;
    for _ in 0..20 {
        for _ in 0..5 {
            report(&world, "idle", Some(5)).await;
        }
        compact_now(&one, &mut history).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let newest = world.coord.get(keys().head()).await.unwrap().1;
    let early = WatchRequest::new(keys().instances()).from(newest - 60);
    let mut watch = world.coord.watch(early).await.unwrap();
    let first = futures_util::StreamExt::next(&mut watch).await.unwrap();
    assert!(matches!(first, Err(Error::Compacted { .. })), "{first:?}");
    let counted = one.store.stats().list();
    assert!(counted.contains(&("feed_gaps", 0)), "{counted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_lost_its_lock_compacts_nothing() {
    let mut world = world();
    let one = world.start().await;
    add_many(&one, "a", 100).await;
    let stale = lock(&one, "compact").await;
    let fence = stale.fence().clone();
    stale.release().await.unwrap();
    let done = compact::run_once(&one.store, &fence, &mut History::default()).await;
    assert!(matches!(done, Err(StoreError::Fenced)), "{done:?}");
    assert!(can_watch_after(&world, 1).await);
}

const FULL: Space =
    Space { used_bytes: 99, file_bytes: 99, quota_bytes: 100, reserve_bytes: 10, is_full: true };

async fn refused_as_full(instance: &Instance, name: &str) {
    let started = tokio::time::Instant::now();
    let refused = instance.add(name).await.unwrap_err();
    let api = first_api_error(refused.as_ref()).unwrap();
    assert_eq!(api.code(), "coordination_full");
    assert!(started.elapsed() < Duration::from_millis(100), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_write_without_space_is_refused_at_once_until_there_is_room() {
    let mut world = world();
    let one = world.start().await;
    let full = |used_bytes| Space { used_bytes, ..FULL };
    world.coord.set_space(Space { is_full: false, ..full(10) });
    one.store.inner.read_space().await.unwrap();
    world.coord.next([Mishap::NoSpace]);
    refused_as_full(&one, "a").await;
    world.coord.set_space(full(95));
    assert!(!compact::make_room(&one.store).await.unwrap(), "others use the space");
    refused_as_full(&one, "a").await;
    world.coord.set_space(full(30));
    assert!(compact::make_room(&one.store).await.unwrap());
    one.add("a").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_commit_that_took_the_last_space_is_acknowledged() {
    let mut world = world();
    let one = world.start().await;
    world.coord.next([Mishap::TakeLastSpace, Mishap::NoSpace, Mishap::NoSpace]);
    one.add("a").await.unwrap();
    assert_eq!(world.coord.log().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_space_is_left_for_operators() {
    let mut world = world();
    let one = world.start().await;
    let space = Space { used_bytes: 91, is_full: false, ..FULL };
    world.coord.set_space(space);
    one.store.inner.read_space().await.unwrap();
    refused_as_full(&one, "a").await;
}
