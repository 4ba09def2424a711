//! A read model whose disk is full, while the log and objects have room.

use std::time::Duration;

use super::*;
use crate::coord::CoordinationExt;
use crate::error::{BoxError, Code, first_api_error};
use crate::testkit::{Instance, Item, World, keys, soon};

/// The pages of the empty tables, and a few more.
const SMALL: u64 = 60 << 10;
const LARGE: u64 = 10 << 20;
const AT_ONCE: Duration = Duration::from_secs(3);

fn code(error: &BoxError) -> &'static str {
    first_api_error(error.as_ref()).expect("an error with a public face").code()
}

/// A name that fills a page of the read model.
fn long(nth: usize) -> String {
    format!("{nth:04}{}", "x".repeat(2_000))
}

/// Adds objects until one is refused; answers their number.
async fn fill(instance: &Instance) -> usize {
    for nth in 0..1_000 {
        if let Err(error) = instance.add(&long(nth)).await {
            assert_eq!(code(&error), Code::ReadModelFull.as_str(), "{error}");
            return nth;
        }
    }
    panic!("nothing was refused");
}

#[tokio::test(start_paused = true)]
async fn a_write_for_which_the_read_model_has_no_room_changes_nothing() {
    let mut world = World::new();
    world.settings.read_model_bytes = SMALL;
    let one = world.start().await;
    let begun = tokio::time::Instant::now();
    let added = fill(&one).await;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!(world.coord.log().await.len(), added);
    assert_eq!(one.names(Reads::Linearizable).await.len(), added);
    assert!(!one.store.is_model_full(), "everything in the log is applied");
    // What makes room goes on, and then everything does.
    one.store
        .transact(&soon(), |tx| {
            for item in tx.query_objects::<Item>("SELECT data FROM item", [])? {
                tx.delete("item", item.id)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(fill(&one).await, added);
}

/// SQLite rolls the whole transaction back, of which each job has a part.
#[tokio::test(start_paused = true)]
async fn writes_that_wait_together_leave_nothing_outside_the_log() {
    let mut world = World::new();
    world.settings.read_model_bytes = SMALL;
    let one = world.start().await;
    let names: Vec<_> = (0..100).map(long).collect();
    let done = futures_util::future::join_all(names.iter().map(|name| one.add(name))).await;
    assert!(done.iter().any(Result::is_err));
    for error in done.iter().filter_map(|done| done.as_ref().err()) {
        assert_eq!(code(error), Code::ReadModelFull.as_str(), "{error}");
    }
    let acknowledged = done.iter().filter(|done| done.is_ok()).count();
    let seen = one.names(Reads::Linearizable).await;
    assert_eq!(seen.len(), acknowledged);
    world.settings.read_model_bytes = LARGE;
    let two = world.start().await;
    assert_eq!(two.names(Reads::Linearizable).await, seen);
}

#[tokio::test(start_paused = true)]
async fn a_follower_without_room_says_so_and_goes_on_by_itself() {
    let mut world = World::new();
    let one = world.start().await;
    one.add("a").await.unwrap();
    world.settings.read_model_bytes = SMALL;
    let two = world.start().await;
    for nth in 0..100 {
        one.add(&long(nth)).await.unwrap();
    }
    let begun = tokio::time::Instant::now();
    let read = two.store.read(&soon(), Reads::Linearizable, |_| Ok(())).await;
    assert_eq!(code(&read.unwrap_err()), Code::ReadModelFull.as_str());
    assert_eq!(code(&two.add("b").await.unwrap_err()), Code::ReadModelFull.as_str());
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert!(two.store.is_model_full());
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(two.names(Reads::Local).await.contains(&"a".to_owned()));
    let log = world.coord.get(keys().head()).await.unwrap().0;
    two.store.inner.db().unwrap().bound(LARGE).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!two.store.is_model_full());
    assert_eq!(two.names(Reads::Linearizable).await.len(), 101);
    two.add("b").await.unwrap();
    assert_ne!(world.coord.get(keys().head()).await.unwrap().0, log);
    let counted = two.store.stats().list();
    assert!(counted.contains(&("loads", 1)), "{counted:?}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_has_no_room_to_load_says_so_until_it_has() {
    let mut world = World::new();
    let one = world.start().await;
    for nth in 0..100 {
        one.add(&long(nth)).await.unwrap();
    }
    world.settings.read_model_bytes = SMALL;
    let (store, loops, _mode) = world.parts();
    let running = tokio::spawn(loops.run(tokio_util::sync::CancellationToken::new()));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(store.is_model_full());
    let read = store.read(&soon(), Reads::Linearizable, |_| Ok(())).await;
    assert_eq!(code(&read.unwrap_err()), Code::ReadModelFull.as_str());
    running.abort();
}
