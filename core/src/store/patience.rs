//! What is healthy goes on: slow neighbours, slow objects, and what changes during long work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::load::load;
use super::*;
use crate::coord::CoordinationExt;
use crate::error::first_api_error;
use crate::log::format::{Head, Mode};
use crate::maintenance::SeenMode;
use crate::testkit::{Item, World, keys, soon};

/// An import begins a new lineage; a load of that takes long, and maintenance ends meanwhile.
#[tokio::test(start_paused = true)]
async fn a_load_does_not_bring_back_the_mode_that_it_began_in() {
    let mut world = World::new();
    let one = world.start().await;
    one.add("a").await.unwrap();
    let (store, _loops, mode) = world.parts();
    let inner = &store.inner;
    let id = uuid::Uuid::max();
    let head = Some(Head { lineage: id, position: 0, commit: id });
    inner.publish_applied(Applied { phase: Phase::Loading, head, revision: 1 });
    world.switch_mode(Mode::Maintenance, 1).await;
    let loaded = load(inner, None).await.unwrap();
    world.switch_mode(Mode::Normal, 2).await;
    let (found, _) = world.coord.get(keys().mode()).await.unwrap();
    mode.observe(SeenMode::decode(found.as_ref()).unwrap());
    inner.install(loaded).await;
    assert_eq!(mode.get().unwrap().generation, 2);
}

/// The new store counts its revisions anew, and nobody has seen its mode yet.
#[tokio::test(start_paused = true)]
async fn a_load_from_another_store_replaces_the_mode_of_the_one_before() {
    let mut world = World::new();
    let one = world.start().await;
    one.add("a").await.unwrap();
    let (store, _loops, mode) = world.parts();
    let inner = &store.inner;
    let id = uuid::Uuid::max();
    let head = Some(Head { lineage: id, position: 0, commit: id });
    inner.publish_applied(Applied { phase: Phase::Loading, head, revision: 1 });
    mode.observe(SeenMode { mode: Mode::Maintenance, generation: 9, revision: 99, record: None });
    let loaded = load(inner, None).await.unwrap();
    inner.install(loaded).await;
    assert_eq!(mode.get().unwrap(), SeenMode::NEVER_SWITCHED);
}

#[tokio::test(start_paused = true)]
async fn a_follower_keeps_its_read_model_while_a_commits_object_cannot_be_read() {
    let mut world = World::new();
    world.settings.inline_bytes = 10;
    let one = world.start().await;
    one.add("a").await.unwrap();
    let two = world.start().await;
    world.set_objects_out_for_the_last(true);
    one.add("b").await.unwrap();
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(two.names(Reads::Local).await, ["a"]);
    }
    world.set_objects_out_for_the_last(false);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(two.names(Reads::Linearizable).await, ["a", "b"]);
    let counted = two.store.stats().list();
    assert!(counted.contains(&("loads", 1)), "{counted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_closure_ends_with_its_caller() {
    let mut world = World::new();
    let one = world.start().await;
    let (ctx, steps) = (soon(), Arc::new(AtomicUsize::new(0)));
    let (caller, counted) = (ctx.clone(), Arc::clone(&steps));
    let done = one.store.transact(&ctx, move |tx| {
        for _ in 0..100 {
            if counted.fetch_add(1, Ordering::Relaxed) == 2 {
                caller.cancel();
            }
            tx.query("SELECT 1", [], |row| row.get::<_, i64>(0))?;
        }
        Ok(())
    });
    let error = done.await.unwrap_err();
    assert_eq!(first_api_error(error.as_ref()).unwrap().code(), "deadline_exceeded");
    assert_eq!(steps.load(Ordering::Relaxed), 3);
    one.add("a").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_closure_ends_when_its_transaction_is_too_large() {
    let mut world = World::new();
    world.settings.transaction_bytes = 1_000;
    let one = world.start().await;
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&steps);
    let ctx = soon();
    let done = one.store.transact(&ctx, move |tx| {
        for nth in 0..1_000 {
            counted.fetch_add(1, Ordering::Relaxed);
            let id = tx.new_id();
            tx.put("item", id, &Item { id, name: format!("n{nth}") })?;
        }
        Ok(())
    });
    let error = done.await.unwrap_err();
    assert_eq!(first_api_error(error.as_ref()).unwrap().code(), "transaction_too_large");
    assert!(steps.load(Ordering::Relaxed) < 10, "{steps:?}");
    assert!(one.names(Reads::Linearizable).await.is_empty());
}
