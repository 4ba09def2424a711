//! Versions of the schema: what an earlier one wrote, and two of them side by side.

use futures_util::stream;

use super::tests::{archive_all, checkpoint_now, log_len, small_world, trim_now};
use crate::archive::Intent;
use crate::coord::{CoordinationExt, Put};
use crate::error::{Chain, first_api_error};
use crate::log::format::{
    InstanceRecord, InstanceState, Mode, ModeRecord, WritesRecord, decode, encode,
};
use crate::maintenance::SeenMode;
use crate::store::Reads;
use crate::testkit::{ColouredItem, Instance, NEXT, SCHEMA, Tag, World, keys, soon};

/// What an instance says that reads up to a version of the schema.
async fn announce(world: &World, id: &str, schema: u32) {
    let record = InstanceRecord {
        id: id.to_owned(),
        version: "1".to_owned(),
        schema,
        address: "a:1".to_owned(),
        state: InstanceState::Normal,
        generation: 0,
        position: None,
        seen_at: jiff::Timestamp::UNIX_EPOCH,
    };
    let put = Put::new(keys().instance(id), encode(&record));
    world.coord.memory().put(put).await.unwrap();
}

async fn writes(world: &World) -> u32 {
    let found = world.coord.get(keys().writes()).await.unwrap().0.unwrap();
    decode::<WritesRecord>(&found.key, &found.value).unwrap().schema
}

/// Adds an item with this colour, as the next version does.
async fn add(instance: &Instance, name: &str, colour: &str) -> Result<(), String> {
    let (name, colour) = (name.to_owned(), colour.to_owned());
    let ctx = soon();
    let added = instance.store.transact(&ctx, move |tx| {
        let id = tx.new_id();
        let (name, colour) = (name.clone(), colour.clone());
        tx.put("item", id, &ColouredItem { id, name, colour })?;
        Ok(())
    });
    added.await.map_err(|error| first_api_error(&*error).unwrap().code().to_owned())
}

async fn tag(instance: &Instance) -> Result<(), String> {
    let ctx = soon();
    let tagged = instance.store.transact(&ctx, |tx| {
        let id = tx.new_id();
        tx.put("tag", id, &Tag { id })?;
        Ok(())
    });
    tagged.await.map_err(|error| first_api_error(&*error).unwrap().code().to_owned())
}

/// Names and colours of all items.
async fn colours(instance: &Instance) -> Vec<(String, String)> {
    let sql = "SELECT name, data ->> '$.colour' FROM item ORDER BY name";
    let ctx = soon();
    let read = instance.store.read(&ctx, Reads::Linearizable, move |tx| {
        Ok(tx.query(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    });
    read.await.unwrap()
}

fn grey(names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), "grey".to_owned())).collect()
}

async fn import(instance: &Instance, export: Vec<u8>) -> Result<(), String> {
    let export = stream::iter([Ok(export.into())]);
    let imported = instance.store.import(&soon(), export, Intent::Apply).await;
    imported.map(drop).map_err(|error| Chain(&*error.boxed()).to_string())
}

/// The lines of an export but the first one, which has the time.
async fn object_lines(instance: &Instance) -> Vec<String> {
    let export = String::from_utf8(instance.export().await).unwrap();
    let lines = export.lines().skip(1).filter(|line| !line.contains("trailer"));
    lines.map(str::to_owned).collect()
}

/// An item in a checkpoint, in a segment, in an object of a large commit, and in the log.
async fn written_by_the_first(world: &mut World) -> Instance {
    let one = world.start().await;
    one.add("a").await.unwrap();
    archive_all(&one).await;
    checkpoint_now(&one).await;
    one.add("b").await.unwrap();
    let long = "c".repeat(world.settings.inline_bytes + 1);
    one.add(&long).await.unwrap();
    one.add("d").await.unwrap();
    archive_all(&one).await;
    trim_now(&one).await;
    assert_eq!(log_len(world).await, 2);
    one.add("e").await.unwrap();
    one
}

#[tokio::test(start_paused = true)]
async fn a_later_version_reads_what_an_earlier_one_wrote_wherever_it_is() {
    let mut world = small_world();
    let one = written_by_the_first(&mut world).await;
    let names = one.names(Reads::Linearizable).await;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    drop(one);
    world.schema = &NEXT;
    let next = world.start().await;
    assert_eq!(colours(&next).await, grey(&names));
    let found = next.store.verify().await.unwrap().findings;
    assert!(found.is_empty(), "{found:?}");
    // And from objects alone.
    archive_all(&next).await;
    world.coord.lose_everything();
    drop(next);
    let next = world.start().await;
    assert_eq!(colours(&next).await, grey(&names));
    assert_eq!(writes(&world).await, 1, "old instances may be about to recover, too");
    announce(&world, "next", 2).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    add(&next, "f", "red").await.unwrap();
    archive_all(&next).await;
    checkpoint_now(&next).await;
    world.coord.lose_everything();
    drop(next);
    let next = world.start().await;
    assert_eq!(colours(&next).await.last().unwrap().1, "red");
    assert_eq!(writes(&world).await, 2, "objects hold that version");
    let found = next.store.verify().await.unwrap().findings;
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn an_earlier_version_refuses_a_later_one_and_names_both() {
    let mut world = small_world();
    world.schema = &NEXT;
    let next = world.start().await;
    add(&next, "a", "red").await.unwrap();
    let export = next.export().await;
    world.schema = &SCHEMA;
    let (one, loops, _) = world.parts();
    let running = tokio::spawn(loops.run(tokio_util::sync::CancellationToken::new()));
    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    let reason = one.too_old().unwrap();
    let expected = "has version `2` of the schema, this program reads up to `1`";
    assert!(reason.contains("`drydock/test/toy/writes` ") || reason.contains("test/toy/writes"));
    assert!(reason.contains(expected), "{reason}");
    assert!(one.applied().borrow().head.is_none());
    running.abort();

    let mut other = World::new();
    let one = other.start().await;
    other.switch_mode(Mode::Maintenance, 1).await;
    let refused = import(&one, export).await.unwrap_err();
    let expected = "the export has version 1, schema 2, this is version 1, schema up to 1";
    assert!(refused.contains(expected), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn two_versions_run_side_by_side_in_the_earlier_ones_form() {
    let mut world = small_world();
    let one = world.start().await;
    one.add("a").await.unwrap();
    world.schema = &NEXT;
    let next = world.start().await;
    announce(&world, "one", 1).await;
    announce(&world, "next", 2).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(writes(&world).await, 1, "an instance would not understand it");
    add(&next, "b", "grey").await.unwrap();
    assert_eq!(add(&next, "c", "red").await.unwrap_err(), "upgrade_pending");
    assert_eq!(tag(&next).await.unwrap_err(), "upgrade_pending");
    one.add("d").await.unwrap();
    assert_eq!(one.names(Reads::Linearizable).await, ["a", "b", "d"]);
    assert_eq!(colours(&next).await, grey(&["a", "b", "d"]));
    assert_eq!(object_lines(&one).await, object_lines(&next).await);
    // What the later one stores is loaded by the earlier one.
    archive_all(&next).await;
    checkpoint_now(&next).await;
    drop(one);
    world.schema = &SCHEMA;
    let one = world.start().await;
    assert_eq!(one.names(Reads::Linearizable).await, ["a", "b", "d"]);
    assert_eq!(one.store.inner.stats.list().iter().find(|it| it.0 == "loads").unwrap().1, 1);

    announce(&world, "one", 2).await;
    drop(one);
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(writes(&world).await, 2);
    add(&next, "c", "red").await.unwrap();
    tag(&next).await.unwrap();
    archive_all(&next).await;
    checkpoint_now(&next).await;
    let lines = object_lines(&next).await;
    drop(next);
    world.schema = &NEXT;
    assert_eq!(object_lines(&world.start().await).await, lines);
}

#[tokio::test(start_paused = true)]
async fn an_export_of_an_earlier_version_is_imported() {
    let mut world = small_world();
    let one = written_by_the_first(&mut world).await;
    let export = one.export().await;
    let names = one.names(Reads::Linearizable).await;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut other = World::new();
    other.schema = &NEXT;
    let next = other.start().await;
    add(&next, "later", "red").await.unwrap();
    tag(&next).await.unwrap();
    other.switch_mode(Mode::Maintenance, 1).await;
    import(&next, export).await.unwrap();
    assert_eq!(colours(&next).await, grey(&names));
    drop(next);
    assert_eq!(colours(&other.start().await).await, grey(&names));
}

/// An instance of an earlier version that begins while the others decide to go on without it.
#[tokio::test(start_paused = true)]
async fn an_instance_that_begins_between_the_look_and_the_raise_is_counted() {
    let mut world = small_world();
    let one = world.start().await;
    one.add("a").await.unwrap();
    drop(one);
    world.schema = &NEXT;
    let next = world.start().await;
    announce(&world, "next", 2).await;
    let inner = &next.store.inner;
    let look = inner.look_at_versions().await.unwrap().unwrap();
    announce(&world, "one", 1).await;
    world.coord.memory().put(Put::new(keys().joined(), "one")).await.unwrap();
    inner.raise_after(look).await.unwrap();
    assert_eq!(writes(&world).await, 1);
}

/// The mode is one more fact of the cluster: it is not touched.
#[tokio::test(start_paused = true)]
async fn a_version_is_raised_in_maintenance_too() {
    let mut world = small_world();
    drop(world.start().await);
    world.switch_mode(Mode::Maintenance, 1).await;
    world.schema = &NEXT;
    let _next = world.start().await;
    announce(&world, "next", 2).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(writes(&world).await, 2);
    let found = world.coord.get(keys().mode()).await.unwrap().0;
    let mode: ModeRecord = SeenMode::decode(found.as_ref()).unwrap().record.unwrap();
    assert_eq!((mode.mode, mode.generation), (Mode::Maintenance, 1));
}
