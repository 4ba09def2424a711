use std::collections::BTreeMap;
use std::convert::Infallible;

use drydock_api::runservice::endpoints::run::{Create, Stop};
use drydock_core::context::Context;
use drydock_core::db::{DbError, Tx};
use drydock_core::error::{ActionError, BoxError};
use drydock_core::store::StoreTx;
use drydock_http::api::creation::{Created, Repeatable};
use drydock_runtime::once::once;
use serde_json::json;

use super::harness::{TestRuns, code, id, one_task};
use crate::action::{event, stop};
use crate::model;
use crate::record::RunEvent;

/// All events, in order.
fn events(tx: &Tx<'_>) -> Result<Vec<RunEvent>, DbError> {
    tx.query_objects("SELECT data FROM run_events ORDER BY seq", [])
}

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
    runs.act(move |tx| stop::stop::<Stop>(tx, &engine, queued.id)).await.unwrap();
    let told = runs.read(|tx| Ok(events(tx)?)).await;
    let seqs: Vec<_> = told.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=told.len() as u64).collect::<Vec<_>>());
    let texts: Vec<_> = told
        .iter()
        .map(|event| format!("{} {} {}", event.number, event.phase, event.result))
        .collect();
    assert_eq!(
        texts,
        [
            "1 running unknown",
            "2 queued unknown",
            "1 running failed",
            "1 finished failed",
            "2 running unknown",
            "2 finished stopped",
        ]
    );
    assert_eq!(told[3].run, run.id);
}

#[tokio::test]
async fn old_events_are_removed_beyond_their_bound() {
    let runs = TestRuns::start().await;
    let run = runs.create(&one_task()).await;
    let many = move |tx: &mut StoreTx<'_>| -> Result<(), BoxError> {
        let first = events(tx)?.remove(0);
        // As if the first event were very old.
        tx.delete("run_events", first.id)?;
        let id = tx.new_id();
        let last = RunEvent { id, seq: event::KEPT + 5, ..first };
        tx.put("run_events", last.id, &last)?;
        let id = tx.new_id();
        tx.put("run_events", id, &RunEvent { id, seq: 1, ..last })?;
        event::note::<Infallible>(tx, &run).map_err(ActionError::boxed)
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
            once::<Create>(tx, &encryptor, None, Some(&repeatable), |tx| {
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
    assert!(create(1, "x").await.unwrap() == first.clone().repeated());
    assert_eq!(code(create(1, "y").await.map(drop)), "idempotency_key_reused");
    assert!(create(2, "x").await.unwrap() != first);
    runs.pass(24 * 3600);
    assert!(create(1, "x").await.unwrap() != first);
}
