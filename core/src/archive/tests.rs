use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use proptest::prelude::*;

use super::*;
use crate::coord::{CoordinationExt, Put};
use crate::error::{ActionError, BoxError, Chain, Code, Failure, first_api_error};
use crate::log::format::{InstanceRecord, InstanceState, Mode, encode};
use crate::store::Reads;
use crate::testkit::{Instance, Item, Part, World, keys, soon};

type State = Vec<(String, Vec<String>)>;

/// Items with distinct names, each with notes.
fn state() -> impl Strategy<Value = State> {
    let notes = proptest::collection::vec(any::<String>(), 0..4);
    proptest::collection::btree_map("\\PC{1,12}", notes, 0..12)
        .prop_map(|map| map.into_iter().collect())
}

pub(super) async fn fill(instance: &Instance, state: &State) {
    let state = state.clone();
    instance
        .store
        .transact(&soon(), move |tx| {
            for (name, notes) in &state {
                let item = tx.new_id();
                tx.put("item", item, &Item { id: item, name: name.clone() })?;
                for note in notes {
                    let id = tx.new_id();
                    tx.put("part", id, &Part { id, item, note: note.clone() })?;
                }
            }
            Ok(())
        })
        .await
        .unwrap();
}

/// Cuts a stream in pieces of this size.
fn pieces(
    bytes: &[u8],
    size: usize,
) -> impl futures_util::Stream<Item = Result<Bytes, BoxError>> + Unpin + use<> {
    let pieces: Vec<_> =
        bytes.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

pub(super) async fn import(instance: &Instance, bytes: &[u8]) -> Result<ImportReport, ImportError> {
    instance.store.import(&soon(), pieces(bytes, 700), Intent::Apply).await
}

/// The code that a client sees.
pub(super) fn code<T: std::fmt::Debug, F: Failure>(refused: Result<T, ActionError<F>>) -> Code {
    let error = refused.map_err(ActionError::boxed).unwrap_err();
    first_api_error(&*error).unwrap().code().parse().unwrap()
}

/// What a client sees, and what was logged.
pub(super) fn text<F: Failure>(error: ActionError<F>) -> String {
    Chain(&*error.boxed()).to_string()
}

pub(super) fn object_lines(export: &[u8]) -> Vec<&[u8]> {
    let lines: Vec<_> = export.split_inclusive(|byte| *byte == b'\n').collect();
    lines[1..lines.len() - 1].to_vec()
}

/// The lines with a trailer whose counts and hashes are right for them.
fn with_trailer(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut hashes = format::Hashes::default();
    let mut counts: std::collections::BTreeMap<String, u64> =
        [("item".to_owned(), 0), ("part".to_owned(), 0)].into();
    hashes.header(&lines[0]);
    for line in &lines[1..] {
        hashes.object(line);
        let value: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
        *counts.entry(value["type"].as_str().unwrap_or("?").to_owned()).or_default() += 1;
    }
    let (digest, checksum) = (hashes.digest(), hashes.checksum());
    let trailer = format::Trailer { counts, digest, checksum };
    let trailer = crate::log::format::canonical(&format::TrailerLine { trailer }).unwrap();
    let mut bytes = lines.concat();
    bytes.extend_from_slice(trailer.get().as_bytes());
    bytes.push(b'\n');
    bytes
}

fn paused() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_import_of_an_export_is_the_exported_state(before in state(), after in state()) {
        paused().block_on(async {
            let mut world = World::new();
            let (one, two) = (world.start().await, world.start().await);
            fill(&one, &before).await;
            let export = one.export().await;
            assert_eq!(export, two.export().await);

            let taken: BTreeSet<_> = before.iter().map(|(name, _)| name.clone()).collect();
            let mut changes = after.clone();
            changes.retain(|(name, _)| !taken.contains(name));
            fill(&two, &changes).await;

            world.switch_mode(Mode::Maintenance, 1).await;
            let report = import(&one, &export).await.unwrap();
            let position = one.store.applied().borrow().position();
            assert_eq!(Some(report.position), position);
            assert_eq!(object_lines(&one.export().await), object_lines(&export));
            assert_eq!(object_lines(&two.export().await), object_lines(&export));
            drop((one, two));
            assert_eq!(object_lines(&world.start().await.export().await), object_lines(&export));
        });
    }

    #[test]
    fn a_damaged_export_is_refused_and_changes_nothing(
        state in state(),
        kind in 0usize..4,
        at in any::<proptest::sample::Index>(),
        bit in 0u8..8,
    ) {
        paused().block_on(async {
            let mut world = World::new();
            let instance = world.start().await;
            fill(&instance, &state).await;
            let export = instance.export().await;
            fill(&instance, &vec![("\u{7}later".to_owned(), vec![])]).await;
            let before = instance.export().await;
            let position = instance.store.applied().borrow().position();
            world.switch_mode(Mode::Maintenance, 1).await;

            let mut bad = export.clone();
            let lines: Vec<_> = export.split_inclusive(|byte| *byte == b'\n').collect();
            match kind {
                0 => bad.truncate(at.index(export.len())),
                1 => bad[at.index(export.len())] ^= 1 << bit,
                2 => {
                    let mut doubled = lines.clone();
                    doubled.insert(at.index(lines.len()), lines[at.index(lines.len())]);
                    bad = doubled.concat();
                }
                _ => {
                    let mut swapped = lines.clone();
                    swapped.swap(at.index(lines.len()), (at.index(lines.len()) + 1) % lines.len());
                    bad = swapped.concat();
                }
            }
            let refused = import(&instance, &bad).await;
            assert!(refused.is_err(), "{refused:?}");
            assert_eq!(object_lines(&instance.export().await), object_lines(&before));
            assert_eq!(instance.store.applied().borrow().position(), position);
        });
    }
}

/// A valid export, and a store in maintenance to import things into.
async fn prepared() -> (World, Instance, Vec<Vec<u8>>) {
    let mut world = World::new();
    let instance = world.start().await;
    let names = ["a", "b"].map(|name| (name.to_owned(), vec!["note".to_owned()]));
    fill(&instance, &names.to_vec()).await;
    let export = instance.export().await;
    world.switch_mode(Mode::Maintenance, 1).await;
    let mut lines: Vec<_> = export.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    lines.pop();
    (world, instance, lines)
}

fn edited(line: &[u8], edit: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let mut value: serde_json::Value = serde_json::from_slice(line).unwrap();
    edit(&mut value);
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Streams whose hashes are right and whose content is not.
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_wrong_in_its_content_is_refused_with_its_line() {
    let (_world, instance, lines) = prepared().await;
    import(&instance, &with_trailer(&lines)).await.unwrap();
    let position = instance.store.applied().borrow().position();
    let other: serde_json::Value = serde_json::from_slice(&lines[2]).unwrap();
    let other = &other["data"]["name"];
    let with = |nth: usize, line: Vec<u8>| {
        let mut lines = lines.clone();
        lines[nth] = line;
        with_trailer(&lines)
    };
    // The versions of another service's schema mean nothing here.
    let of_other = |newer: &'static str| {
        move |v: &mut serde_json::Value| {
            v["header"]["service"] = "other".into();
            v["header"][newer] = 99.into();
        }
    };
    let cases = [
        (with(0, edited(&lines[0], |v| v["header"]["service"] = "other".into())), "is of `other`"),
        (with(0, edited(&lines[0], of_other("schema"))), "is of `other`"),
        (with(0, edited(&lines[0], of_other("version"))), "is of `other`"),
        (with(0, edited(&lines[0], |v| v["header"]["version"] = 2.into())), "version 2"),
        (with(0, edited(&lines[0], |v| v["header"]["extra"] = 2.into())), "extra"),
        (with(1, edited(&lines[1], |v| v["type"] = "thing".into())), "line `2`: type `thing`"),
        (with(1, edited(&lines[1], |v| v["data"]["name"] = 7.into())), "line `2`"),
        (with(1, edited(&lines[1], |v| v["data"]["more"] = 7.into())), "unknown field `more`"),
        (with(1, edited(&lines[1], |v| v["data"]["name"] = other.clone())), "item.name"),
        (with(3, edited(&lines[3], |v| v["data"]["item"] = v["id"].clone())), "line `4`: object"),
        (with(3, edited(&lines[3], |v| v["data"]["id"] = v["data"]["item"].clone())), "another id"),
        (with(2, lines[1].clone()), "line `3`: the object is not after"),
    ];
    for (bytes, expected) in cases {
        let error = text(import(&instance, &bytes).await.expect_err(expected));
        assert!(error.contains(expected), "`{error}` instead of `{expected}`");
    }
    let mut twice = with_trailer(&lines);
    twice.extend_from_within(..);
    let error = text(import(&instance, &twice).await.unwrap_err());
    assert!(error.contains("after the trailer"), "{error}");
    assert_eq!(instance.store.applied().borrow().position(), position);
}

#[tokio::test(start_paused = true)]
async fn an_empty_export_is_legal_and_empties_the_store() {
    let mut world = World::new();
    let instance = world.start().await;
    let empty = instance.export().await;
    instance.add("a").await.unwrap();
    world.switch_mode(Mode::Maintenance, 1).await;
    import(&instance, &empty).await.unwrap();
    assert!(instance.names(Reads::Linearizable).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_import_needs_maintenance_and_every_live_instance() {
    let mut world = World::new();
    let instance = world.start().await;
    let export = instance.export().await;
    let refused = import(&instance, &export).await;
    assert_eq!(code(refused), Code::NotInMaintenance);
    world.switch_mode(Mode::Maintenance, 1).await;
    let record = |state, generation| InstanceRecord {
        id: "other".to_owned(),
        version: "1".to_owned(),
        schema: 1,
        address: "a:1".to_owned(),
        state,
        generation,
        position: None,
        seen_at: jiff::Timestamp::UNIX_EPOCH,
    };
    let unready =
        [(InstanceState::Normal, 0), (InstanceState::Draining, 1), (InstanceState::Maintenance, 0)];
    for (state, generation) in unready {
        let put = Put::new(keys().instance("other"), encode(&record(state, generation)));
        world.coord.memory().put(put).await.unwrap();
        let refused = import(&instance, &export).await;
        assert_eq!(code(refused), Code::MaintenanceNotReady);
    }
    let put = Put::new(keys().instance("other"), encode(&record(InstanceState::Maintenance, 1)));
    world.coord.memory().put(put).await.unwrap();
    import(&instance, &export).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_validates_and_changes_nothing() {
    let (_world, instance, lines) = prepared().await;
    let bytes = with_trailer(&lines);
    let trial = instance.store.import(&soon(), pieces(&bytes, 1), Intent::DryRun).await.unwrap();
    assert_eq!(trial.counts["item"], 2);
    assert_eq!(instance.store.applied().borrow().position(), Some(1));
    let bad = instance.store.import(&soon(), pieces(&bytes[1..], 1), Intent::DryRun).await;
    assert!(bad.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_works_in_every_mode() {
    let (world, instance, lines) = prepared().await;
    let bytes = with_trailer(&lines);
    for (generation, mode) in [(2, Mode::Normal), (3, Mode::Maintenance)] {
        world.switch_mode(mode, generation).await;
        let trial = instance.store.import(&soon(), pieces(&bytes, 1), Intent::DryRun).await;
        assert_eq!(trial.unwrap().counts["item"], 2);
    }
}

/// More objects than a page, a batch and a data file hold.
#[tokio::test(start_paused = true)]
async fn a_large_state_goes_through_in_many_pieces() {
    let mut world = World::new();
    let instance = world.start().await;
    for nth in 0..3 {
        let notes = (0..900).map(|n| format!("{n}-").repeat(800)).collect();
        fill(&instance, &vec![(format!("n{nth}"), notes)]).await;
    }
    let export = instance.export().await;
    assert!(export.len() > 8 << 20);
    instance.add("later").await.unwrap();
    world.switch_mode(Mode::Maintenance, 1).await;
    let report = import(&instance, &export).await.unwrap();
    assert_eq!((report.counts["item"], report.counts["part"]), (3, 2700));
    let again = instance.export().await;
    assert_eq!(object_lines(&again), object_lines(&export));
}

/// A reader that takes nothing, and one that takes a little now and then.
#[tokio::test(start_paused = true)]
async fn an_export_whose_reader_is_slow_is_given_up() {
    for pause in [Duration::from_secs(3600), Duration::from_secs(20)] {
        let mut world = World::new();
        world.settings.exports = 1;
        let one = world.start().await;
        let state = (0..40).map(|n| (format!("item {n}"), vec!["x".repeat(200_000)]));
        fill(&one, &state.collect()).await;
        let (_, mut export) = one.store.export(&soon()).await.unwrap();
        let refused = one.store.export(&soon()).await.err().unwrap();
        let refused = first_api_error(refused.as_ref()).unwrap().code();
        assert_eq!((refused, one.store.exports()), ("too_many_requests", 1));
        let begun = tokio::time::Instant::now();
        tokio::time::sleep(pause).await;
        let mut taken = 0;
        let failed = loop {
            match export.next().await {
                Some(Ok(_)) => taken += 1,
                Some(Err(error)) => break error.to_string(),
                None => break "nothing".to_owned(),
            }
            tokio::time::sleep(pause).await;
        };
        assert!(failed.contains("bytes a second"), "{failed} after {taken} chunks");
        assert!(taken < 5 && begun.elapsed() > Duration::from_secs(30), "{taken} chunks");
        drop(export);
        assert!(!one.export().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_export_that_nobody_reads_any_more_is_given_up_by_itself() {
    let mut world = World::new();
    let one = world.start().await;
    fill(&one, &vec![("a".to_owned(), vec![])]).await;
    let (_, export) = one.store.export(&soon()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(one.store.exports(), 0);
    drop(export);
}
