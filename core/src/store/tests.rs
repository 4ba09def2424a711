use std::time::Duration;

use super::*;
use crate::coord::{Coordination, CoordinationExt};
use crate::error::{Chain, Kind, first_api_error};
use crate::log::format::{Body, Mode};
use crate::testkit::{Instance, Item, Mishap, Part, World, keys, soon};

async fn assert_chain(world: &World, commits: usize) {
    let log = world.coord.log().await;
    assert_eq!(log.len(), commits);
    let mut previous = None;
    for (nth, commit) in log.iter().enumerate() {
        assert_eq!(commit.position, nth as u64 + 1);
        assert!(previous.is_none_or(|before| commit.previous == before), "{commit:?}");
        previous = Some(commit.id);
    }
}

fn kind_of(error: &crate::error::BoxError) -> (Kind, &'static str) {
    let api = first_api_error(error.as_ref()).expect("an error with a public face");
    (api.kind(), api.code())
}

#[tokio::test(start_paused = true)]
async fn a_write_is_seen_at_once_by_every_instance() {
    let mut world = World::new();
    let (one, two) = (world.start().await, world.start().await);
    for nth in 0..20 {
        let (writer, reader) = if nth % 2 == 0 { (&one, &two) } else { (&two, &one) };
        writer.add(&format!("n{nth:02}")).await.unwrap();
        assert_eq!(reader.names(Reads::Linearizable).await.len(), nth + 1);
    }
    assert_chain(&world, 20).await;
}

#[tokio::test(start_paused = true)]
async fn unrelated_writers_never_see_a_conflict() {
    let mut world = World::new();
    let instances = [world.start().await, world.start().await, world.start().await];
    let writes = (0..60).map(|nth| {
        let instance = &instances[nth % 3];
        async move { instance.add(&format!("n{nth}")).await }
    });
    for written in futures_util::future::join_all(writes).await {
        written.unwrap();
    }
    for instance in &instances {
        assert_eq!(instance.names(Reads::Linearizable).await.len(), 60);
    }
    let log = world.coord.log().await;
    assert!(log.len() < 60, "writes that wait together are committed together: {}", log.len());
    assert_chain(&world, log.len()).await;
}

#[tokio::test(start_paused = true)]
async fn a_closures_error_rolls_back_only_that_closure() {
    let mut world = World::new();
    let instance = world.start().await;
    let ctx = soon();
    let refused = instance.store.transact::<()>(&ctx, |tx| {
        let id = tx.new_id();
        tx.put("item", id, &Item { id, name: "bad".to_owned() })?;
        Err("decided against".into())
    });
    let (good, refused) = tokio::join!(instance.add("good"), refused);
    good.unwrap();
    assert_eq!(refused.unwrap_err().to_string(), "decided against");
    assert_eq!(instance.names(Reads::Local).await, ["good"]);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_closure_does_not_harm_other_jobs() {
    let mut world = World::new();
    let instance = world.start().await;
    let store = instance.store.clone();
    let bad =
        tokio::spawn(
            async move { store.transact::<()>(&soon(), |_tx| panic!("in the closure")).await },
        );
    let good = instance.add("good").await;
    assert!(bad.await.unwrap_err().is_panic());
    good.unwrap();
    assert_eq!(instance.names(Reads::Linearizable).await, ["good"]);
}

#[tokio::test(start_paused = true)]
async fn constraints_hold_between_writers_on_different_instances() {
    let mut world = World::new();
    let (one, two) = (world.start().await, world.start().await);
    let (a, b) = tokio::join!(one.add("same"), two.add("same"));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let ctx = soon();
    let orphan = one.store.transact(&ctx, |tx| {
        let id = tx.new_id();
        Ok(tx.put("part", id, &Part { id, item: id, note: String::new() })?)
    });
    assert!(orphan.await.is_err());
    assert_chain(&world, 1).await;
}

/// An error is decided on the newest state, not on the state that this instance happens to have.
#[tokio::test(start_paused = true)]
async fn a_domain_error_is_not_decided_on_an_old_state() {
    let mut world = World::new();
    let (one, two) = (world.start().await, world.start().await);
    // The second instance does not hear of the commit by its watch.
    world.coord.swallow_events(2);
    one.add("a").await.unwrap();
    let ctx = soon();
    let found = two.store.transact(&ctx, |tx| {
        let names = tx.query("SELECT name FROM item", [], |row| row.get::<_, String>(0))?;
        names.into_iter().next().ok_or_else(|| "not found".into())
    });
    assert_eq!(found.await.unwrap(), "a");
}

/// The waiting jobs get the error, and later writes are not affected.
#[tokio::test(start_paused = true)]
async fn a_read_model_that_fails_fails_the_batch_for_that() {
    let mut world = World::new();
    let one = world.start().await;
    let other = rusqlite::Connection::open(world.model()).unwrap();
    other.execute_batch("ALTER TABLE drydock_position RENAME TO away").unwrap();
    let failed = one.add("a").await.unwrap_err();
    let why = Chain(failed.as_ref()).to_string();
    assert_eq!(kind_of(&failed).0, Kind::Internal, "{why}");
    assert!(why.contains("no such table"), "{why}");
    other.execute_batch("ALTER TABLE away RENAME TO drydock_position").unwrap();
    one.add("b").await.unwrap();
    assert_eq!(one.names(Reads::Linearizable).await, ["b"]);
}

/// The feed compares `head` only with the commits that were applied before it read `head`.
#[tokio::test(start_paused = true)]
async fn a_commit_that_is_applied_while_the_log_is_read_is_no_set_back() {
    let mut world = World::new();
    let one = world.start().await;
    one.add("a").await.unwrap();
    let gaps = || one.store.stats().list().into_iter().find(|(name, _)| *name == "feed_gaps");
    let before = gaps();
    let held = world.coord.hold_answers().await;
    // By then the feed has doubted its quiet watch, and waits for the answer.
    tokio::time::sleep(Duration::from_millis(5_050)).await;
    one.add("b").await.unwrap();
    drop(held);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(gaps(), before);
    assert_eq!(one.names(Reads::Local).await, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_settled_by_the_commits_id() {
    use Mishap::{LoseAnswer, LoseRequest, Pass, Refuse};
    let cases: [&[Mishap]; 6] = [
        &[LoseAnswer],
        &[LoseRequest],
        &[LoseRequest, LoseAnswer],
        &[LoseAnswer, LoseRequest, Refuse],
        &[Refuse, Refuse, LoseAnswer],
        &[LoseRequest, Refuse, Pass],
    ];
    for (nth, mishaps) in cases.into_iter().enumerate() {
        let mut world = World::new();
        let (one, two) = (world.start().await, world.start().await);
        world.coord.next(mishaps.iter().copied());
        let id = one.add("a").await.unwrap_or_else(|error| panic!("case {nth}: {error}"));
        one.add("b").await.unwrap();
        assert_eq!(two.names(Reads::Linearizable).await, ["a", "b"], "case {nth}");
        let log = world.coord.log().await;
        let puts =
            log.iter().filter(|commit| format!("{:?}", commit.body).contains(&id.to_string()));
        assert_eq!(puts.count(), 1, "case {nth}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_for_long_is_a_503_and_nothing_is_written() {
    let mut world = World::new();
    let instance = world.start().await;
    world.coord.next(std::iter::repeat_n(Mishap::Refuse, 100));
    let error = instance.add("a").await.unwrap_err();
    assert_eq!(kind_of(&error), (Kind::Unavailable, "coordination_unavailable"));
    assert!(instance.names(Reads::Linearizable).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_commit_succeeds_after_the_mode_key_is_set() {
    let mut world = World::new();
    let instance = world.start().await;
    instance.add("before").await.unwrap();
    world.switch_mode(Mode::Maintenance, 1).await;
    // The instance has not seen it: the commit's own compare stops it.
    assert_eq!(instance.mode.get().unwrap().generation, 0);
    let error = instance.add("after").await.unwrap_err();
    assert_eq!(kind_of(&error), (Kind::Unavailable, "maintenance"));
    assert_chain(&world, 1).await;
    world.switch_mode(Mode::Normal, 2).await;
    let seen = crate::maintenance::SeenMode::decode(
        world.coord.get(keys().mode()).await.unwrap().0.as_ref(),
    );
    instance.mode.observe(seen.unwrap());
    instance.add("again").await.unwrap();
    assert_eq!(instance.names(Reads::Local).await, ["again", "before"]);
}

#[tokio::test(start_paused = true)]
async fn a_gap_in_the_feed_is_never_skipped() {
    let mut world = World::new();
    let (one, two) = (world.start().await, world.start().await);
    // Two watches: the event of this commit reaches neither.
    world.coord.swallow_events(2);
    one.add("a").await.unwrap();
    one.add("b").await.unwrap();
    let mut applied = two.store.applied();
    let there = applied.wait_for(|applied| applied.position() == Some(2));
    tokio::time::timeout(Duration::from_secs(60), there).await.unwrap().unwrap();
    assert_eq!(two.names(Reads::Local).await, ["a", "b"]);
    assert!(two.store.stats().list().contains(&("feed_gaps", 1)));
}

#[tokio::test(start_paused = true)]
async fn a_dead_watch_that_reports_no_error_is_detected() {
    let mut world = World::new();
    let (one, two) = (world.start().await, world.start().await);
    world.coord.swallow_events(2);
    one.add("a").await.unwrap();
    let mut applied = two.store.applied();
    let there = applied.wait_for(|applied| applied.position() == Some(1));
    tokio::time::timeout(Duration::from_secs(60), there).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_compaction_while_away_leads_to_a_new_load() {
    let mut world = World::new();
    let one = world.start().await;
    one.add("a").await.unwrap();
    let revision = world.coord.get(keys().head()).await.unwrap().1;
    world.coord.compact(revision).await.unwrap();
    let two = world.start().await;
    one.add("b").await.unwrap();
    assert_eq!(two.names(Reads::Linearizable).await, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_instance_loads_what_was_acknowledged() {
    let mut world = World::new();
    let one = world.start().await;
    for nth in 0..600 {
        one.add(&format!("n{nth}")).await.unwrap();
    }
    let names = one.names(Reads::Linearizable).await;
    drop(one);
    let two = world.start().await;
    assert_eq!(two.names(Reads::Local).await, names);
    assert_eq!(names.len(), 600);
}

async fn add_big(instance: &Instance, bytes: usize) -> Result<(), crate::error::BoxError> {
    instance
        .store
        .transact(&soon(), move |tx| {
            let item = tx.new_id();
            tx.put("item", item, &Item { id: item, name: item.to_string() })?;
            let id = tx.new_id();
            Ok(tx.put("part", id, &Part { id, item, note: "x".repeat(bytes) })?)
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn large_commits_go_by_reference_and_too_large_ones_are_refused() {
    let mut world = World::new();
    world.settings.inline_bytes = 1000;
    world.settings.transaction_bytes = 100_000;
    let (one, two) = (world.start().await, world.start().await);
    add_big(&one, 100).await.unwrap();
    add_big(&one, 50_000).await.unwrap();
    let error = add_big(&one, 100_000).await.unwrap_err();
    assert_eq!(kind_of(&error), (Kind::TooLarge, "transaction_too_large"));
    let log = world.coord.log().await;
    assert!(matches!(log[0].body, Body::Mutations(_)));
    assert!(matches!(log[1].body, Body::Object(_)));
    assert_eq!(two.names(Reads::Linearizable).await.len(), 2);
    drop((one, two));
    assert_eq!(world.start().await.names(Reads::Local).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn reads_share_one_read_of_head() {
    let mut world = World::new();
    let instance = world.start().await;
    instance.add("a").await.unwrap();
    let reads = (0..50).map(|_| instance.names(Reads::Linearizable));
    futures_util::future::join_all(reads).await;
    let stats = instance.store.stats().list();
    let count = |name: &str| stats.iter().find(|(found, _)| *found == name).unwrap().1;
    assert!(count("head_reads_shared") > 40, "{stats:?}");
}
