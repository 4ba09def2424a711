//! Runservice in the hands of operators, through the gateway.

use drydock_tests::client::Request;
use drydock_tests::gateway::{Face, Who};
use serde_json::{Value, json};

use crate::gateway_runs::{PROJECT, runs, with_world};

const IMPORT: &str = "/api/v1/import/runservice";

/// Starts a run, and answers its number.
async fn start(face: &Face) -> Value {
    let tasks = json!({ "build": { "steps": [{ "run": "make" }] } });
    let definition = json!({ "version": 1, "runs": { "main": { "tasks": tasks } } });
    let body = json!({ "branch": "other", "definition": definition });
    let started = face.send(Who::Owner, Request::post(&runs("")).json(&body)).await.expect(201);
    started.json()["number"].clone()
}

async fn operate(face: &Face, request: Request) -> Value {
    face.send(Who::AdminToken, request).await.expect(200).json()
}

#[test]
fn runs_are_exported_imported_and_restored_through_the_gateway() {
    with_world(async |_, face| {
        let export = face.get(Who::AdminToken, "/api/v1/export/runservice").await.expect(200);
        assert!(export.text().lines().next().is_some_and(|it| it.contains("\"runservice\"")));
        let import = || Request::post(IMPORT).body(export.body.clone());
        let early = face.send(Who::AdminToken, import()).await;
        assert_eq!(early.outcome(), "409 not_in_maintenance");
        assert_eq!(start(&face).await, 4);

        let on = Request::put("/api/v1/maintenance/runservice?wait=30s");
        let on = operate(&face, on.json(&json!({ "reason": "a test" }))).await;
        assert_eq!((&on["ready"], &on["reason"]), (&json!(true), &json!("a test")));
        let away = face.get(Who::Owner, &runs("")).await;
        assert_eq!((away.status.as_u16(), away.field("code")), (503, "maintenance".into()));
        assert!(away.field("message").contains("runservice"), "{away}");
        face.get(Who::Owner, PROJECT).await.expect(200);
        let other = face.get(Who::AdminToken, "/api/v1/export/configstore").await.expect(200);
        let other = Request::post(IMPORT).body(other.body.clone());
        let other = face.send(Who::AdminToken, other).await;
        // Whichever of its service and its schema is looked at first.
        assert!(other.outcome().starts_with("422 import_"), "{other}");

        operate(&face, import()).await;
        let lineages = operate(&face, Request::get("/api/v1/lineages/runservice")).await;
        assert_eq!(lineages["items"].as_array().map(Vec::len), Some(2));
        let left = lineages["items"][0]["id"].as_str().expect("it has an id").to_owned();
        let restore = format!("/api/v1/lineages/runservice/{left}/restore");
        assert_eq!(operate(&face, Request::post(&restore)).await["restored"], left);
        off(&face).await;
        face.get(Who::Outsider, &runs("/4")).await.expect(200);

        face.send(Who::AdminToken, Request::put("/api/v1/maintenance/runservice?wait=30s"))
            .await
            .expect(200);
        operate(&face, import()).await;
        off(&face).await;
        assert_eq!(face.get(Who::Outsider, &runs("/4")).await.outcome(), "404 run_not_exist");
        assert_eq!(start(&face).await, 5, "no number is used twice");
    });
}

async fn off(face: &Face) {
    let off = Request::delete("/api/v1/maintenance/runservice?wait=30s");
    face.send(Who::AdminToken, off).await.expect(204);
}

#[test]
fn the_maintenance_of_one_service_is_not_that_of_the_other() {
    with_world(async |_, face| {
        let on = Request::put("/api/v1/maintenance/configstore?wait=30s");
        face.send(Who::AdminToken, on).await.expect(200);
        let shown = operate(&face, Request::get("/api/v1/maintenance/runservice")).await;
        assert_eq!(shown["mode"], "normal");
        let shown = operate(&face, Request::get("/api/v1/maintenance/configstore")).await;
        assert_eq!(shown["mode"], "maintenance");
    });
}
