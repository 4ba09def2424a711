use std::collections::BTreeMap;

use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::creation::{Created, Repeatable};
use serde_json::json;

use super::harness::{TestRuns, code, id, one_task};
use crate::action::once::once;
use crate::action::{event, stop};
use crate::model;

#[tokio::test]
async fn every_change_of_phase_or_result_is_one_event_without_gaps() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 2).await;
    let tasks = json!({"a": {"steps": []}, "b": {"steps": []}});
    let run = runs.create(&tasks).await;
    let queued = runs.create(&one_task()).await;
    let (first, second) =
        (runs.claim(executor).await.unwrap(), runs.claim(executor).await.unwrap());
    runs.fail(&first).await;
    runs.succeed(&second).await;
    let engine = runs.settings.engine.clone();
    runs.act(move |tx| stop::stop(tx, &engine, queued.id)).await.unwrap();
    let events = runs.read(|tx| Ok(model::event::after(tx, 0, 100)?)).await;
    let seqs: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=events.len() as u64).collect::<Vec<_>>());
    let told: Vec<_> = events
        .iter()
        .map(|event| format!("{} {} {}", event.number, event.phase, event.result))
        .collect();
    assert_eq!(
        told,
        [
            "1 running unknown",
            "2 queued unknown",
            "1 running failed",
            "1 finished failed",
            "2 running unknown",
            "2 finished stopped",
        ]
    );
    assert_eq!(events[3].run, run.id);
    assert_eq!(runs.read(|tx| Ok(model::event::after(tx, 4, 1)?)).await, events[4..5]);
}

#[tokio::test]
async fn old_events_are_removed_beyond_their_bound() {
    let runs = TestRuns::start().await;
    let run = runs.create(&one_task()).await;
    let many = move |tx: &mut StoreTx<'_>| -> Result<(), BoxError> {
        let first = model::event::after(tx, 0, 1)?.remove(0);
        // As if the first event were very old.
        tx.delete("run_events", first.id)?;
        let id = tx.new_id();
        let last = crate::record::RunEvent { id, seq: event::KEPT + 5, ..first };
        tx.put("run_events", last.id, &last)?;
        let id = tx.new_id();
        tx.put("run_events", id, &crate::record::RunEvent { id, seq: 1, ..last })?;
        event::note(tx, &run)
    };
    runs.store.transact(&Context::background(), many).await.unwrap();
    let left = runs.read(|tx| Ok(model::event::span(tx)?)).await;
    assert_eq!(left, Some((event::KEPT + 6, event::KEPT + 6)));
}

#[tokio::test]
async fn a_repeated_creation_gets_the_first_answer() {
    let runs = TestRuns::start().await;
    let create = |key: u128, digest: &str| {
        let (settings, encryptor) = (runs.settings.clone(), runs.encryptor.clone());
        let repeatable = Repeatable { id: id(key), digest: digest.to_owned() };
        let new = super::harness::new_run(super::harness::project(7), &one_task());
        runs.act(move |tx| {
            once(tx, &encryptor, Some(&repeatable), |tx| {
                let none = BTreeMap::new();
                let run = crate::action::run::create(
                    tx,
                    &settings,
                    &encryptor,
                    &new,
                    &none,
                    &BTreeMap::new(),
                )?;
                Ok(Created::new(format!("/runs/{}", run.number), String::new(), &run.number)?)
            })
        })
    };
    let first = create(1, "x").await.unwrap();
    assert!(create(1, "x").await.unwrap() == first);
    assert_eq!(code(create(1, "y").await.map(drop)), "idempotency_key_reused");
    assert!(create(2, "x").await.unwrap() != first);
    runs.pass(24 * 3600);
    assert!(create(1, "x").await.unwrap() != first);
}
