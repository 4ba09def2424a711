//! Creations that are sent twice.

use drydock_tests::app::{settings, with_app};
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::{Value, json};

fn create(path: &str, key: &str, body: &Value) -> Request {
    Request::post(&format!("/api/v1/{path}")).header("idempotency-key", key).json(body)
}

#[test]
fn the_same_creation_is_answered_the_same_anywhere() {
    with_app(async |mut app| {
        app.add(settings()).await;
        app.ready().await;
        let alice = create("users", "key-1", &json!({ "name": "alice" }));
        let first = app.send(alice.clone()).await.expect(201);
        let second = app.instance(2).send(alice).await.expect(201);
        assert_eq!(first.body, second.body);
        for header in ["location", "etag", "content-type"] {
            assert_eq!(first.header(header), second.header(header));
        }
        let users = app.get("/api/v1/users").await.json();
        assert_eq!(users["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn another_request_under_the_same_key_is_refused() {
    with_app(async |app| {
        let alice = create("users", "key-1", &json!({ "name": "alice" }));
        app.send(alice.clone()).await.expect(201);
        let bob = app.send(create("users", "key-1", &json!({ "name": "bob" }))).await;
        assert_snapshot!("reused", bob);
        let org = json!({ "name": "alice", "visibility": "public" });
        let org = app.send(create("orgs", "key-1", &org)).await;
        assert_eq!(org.outcome(), "422 idempotency_key_reused", "{org}");
        let other = app.send(create("users", "key-2", &json!({ "name": "alice" }))).await;
        assert_eq!(other.outcome(), "409 user_already_exists", "{other}");
        let bad = app.send(create("users", "a b", &json!({ "name": "bob" }))).await;
        assert_snapshot!("bad_key", bad);
    });
}

#[test]
fn what_was_refused_may_be_tried_again() {
    with_app(async |app| {
        let token = create("users/alice/tokens", "key-1", &json!({ "name": "laptop" }));
        app.send(token.clone()).await.expect(404);
        app.seed(&["alice"], &[]).await;
        let first = app.send(token.clone()).await.expect(201);
        let second = app.send(token).await.expect(201);
        assert_eq!(first.field("value"), second.field("value"), "the value is answered again");
        assert!(!app.export().await.contains(&first.field("value")));
    });
}

#[test]
fn answers_survive_a_restart_and_an_import() {
    with_app(async |mut app| {
        let alice = create("users", "key-1", &json!({ "name": "alice" }));
        let first = app.send(alice.clone()).await.expect(201);
        let export = app.export().await;
        app.maintenance_on().await;
        app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        app.maintenance_off().await;
        app.add(settings()).await;
        app.ready().await;
        app.stop(1);
        let again = app.instance(2).send(alice).await.expect(201);
        assert_eq!(again.body, first.body);
    });
}
