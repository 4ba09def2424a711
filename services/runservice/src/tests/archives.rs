//! What a state names of archives.

use std::collections::BTreeSet;
use std::convert::Infallible;

use drydock_api::runservice::types::AttemptId;
use drydock_core::context::Context;
use drydock_core::db::Tx;
use drydock_core::store::{Reads, StoreTx};
use serde_json::json;

use super::http::{TestHttp, claim, new_run, stored_archive};
use crate::action::archive;
use crate::record::Attempt;
use crate::schema::ATTEMPTS;

/// The objects that an attempt names once these were found missing.
async fn named_without(http: &TestHttp, attempt: AttemptId, object: &str) -> Vec<String> {
    let (engine, objects) =
        (http.runs.settings.engine.clone(), BTreeSet::from([object.to_owned()]));
    let forget = move |tx: &mut StoreTx<'_>| {
        archive::forget::<Infallible>(tx, &engine, attempt, Some(&objects))
    };
    http.runs.act(forget).await.unwrap();
    let find = move |tx: &Tx<'_>| Ok(tx.get(ATTEMPTS, attempt.0)?);
    let ctx = Context::background();
    let found: Option<Attempt> = http.runs.store.read(&ctx, Reads::Local, find).await.unwrap();
    found.unwrap().archives.into_values().map(|archive| archive.object).collect()
}

#[tokio::test]
async fn an_archive_is_forgotten_by_its_object() {
    let http = TestHttp::start().await;
    let token = http.executor("one").await;
    let steps = json!([{"run": {"command": "make"}}, {"save": {"paths": ["x"]}}]);
    http.expect("POST /runs 201", &new_run(json!({"a": {"steps": steps}}))).await;
    let claimed = http.send("POST /executors/self/claims 201", &claim(50), Some(&token)).await;
    let claimed = claimed.json();
    let id = claimed["attempt"]["id"].as_str().unwrap();
    let archive = stored_archive(&http, id).await;
    let ok = json!({"exit": {"code": 0}});
    let status = json!({"phase": "success", "steps": [ok, ok], "archives": {"1": archive}});
    http.send(&format!("PUT /executors/self/attempts/{id} 200"), &status, Some(&token)).await;
    let attempt: AttemptId = id.parse().unwrap();
    let object = archive["object"].as_str().unwrap();
    // The same step of another state named another object.
    let other = format!("archives/{id}/1-other.tar.zst");
    assert_eq!(named_without(&http, attempt, &other).await, [object]);
    assert_eq!(named_without(&http, attempt, object).await, [""; 0]);
}
