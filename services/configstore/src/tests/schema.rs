//! Tests of the schema with writes that no action makes: the constraints hold all the same.

use drydock_core::context::Context;
use drydock_core::read_model::StoreError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::harness::TestConfigstore;
use crate::SCHEMA;
use crate::schema::{MEMBERS, ORGS, USERS};

fn id(nth: u128) -> Uuid {
    Uuid::from_u128(nth)
}

fn object(nth: u128, more: &Value) -> Value {
    let time = Timestamp::UNIX_EPOCH;
    let mut object = json!({"id": id(nth), "revision": 1, "created_at": time, "updated_at": time});
    for (key, value) in more.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

fn alice_owns_acme(tx: &mut StoreTx<'_>) -> Result<(), StoreError> {
    tx.put(USERS, id(1), &object(1, &json!({"name": "alice", "admin": false})))?;
    tx.put(ORGS, id(2), &object(2, &json!({"name": "acme", "visibility": "public"})))?;
    tx.put(MEMBERS, id(3), &object(3, &member(2, 1, "owner")))
}

fn member(org: u128, user: u128, role: &str) -> Value {
    json!({"org": id(org), "user": id(user), "role": role})
}

#[tokio::test]
async fn no_write_breaks_a_constraint() {
    type Write = fn(&mut StoreTx<'_>) -> Result<(), StoreError>;
    let writes: [(&str, Write); 7] = [
        ("a user's name is taken", |tx| {
            tx.put(USERS, id(9), &object(9, &json!({"name": "alice", "admin": false})))
        }),
        ("an organization's name is taken", |tx| {
            tx.put(ORGS, id(9), &object(9, &json!({"name": "acme", "visibility": "public"})))
        }),
        ("the user of a member is missing", |tx| {
            tx.put(MEMBERS, id(9), &object(9, &member(2, 8, "member")))
        }),
        ("the organization of a member is missing", |tx| {
            tx.put(MEMBERS, id(9), &object(9, &member(8, 1, "member")))
        }),
        ("a membership is there twice", |tx| {
            tx.put(MEMBERS, id(9), &object(9, &member(2, 1, "member")))
        }),
        ("a user with memberships goes", |tx| tx.delete(USERS, id(1))),
        ("an object's id is another one inside", |tx| {
            tx.put(USERS, id(9), &object(8, &json!({"name": "bob", "admin": false})))
        }),
    ];
    let configstore = TestConfigstore::start().await;
    let (store, ctx) = (&configstore.service.store, Context::background());
    store.transact(&ctx, |tx| Ok(alice_owns_acme(tx)?)).await.unwrap();
    for (what, write) in writes {
        let refused = store.transact(&ctx, move |tx| Ok(write(tx)?)).await;
        let error = refused.expect_err(what);
        let text = drydock_core::error::Chain(error.as_ref()).to_string();
        assert!(text.contains("constraint failed"), "{what}: {text}");
    }
}

#[test]
fn an_invalid_object_is_refused() {
    let user = |more: Value| object(1, &more);
    let member = |role: &str| object(3, &member(2, 1, role));
    for (kind, object, accepted) in [
        (USERS, user(json!({"name": "alice", "admin": false})), true),
        (USERS, user(json!({"name": "a--b", "admin": false})), false),
        (USERS, user(json!({"name": "alice"})), false),
        (USERS, user(json!({"name": "alice", "admin": false, "more": 1})), false),
        (ORGS, user(json!({"name": "acme", "visibility": "public"})), true),
        (ORGS, user(json!({"name": "acme", "visibility": "secret"})), false),
        (MEMBERS, member("owner"), true),
        (MEMBERS, member("king"), false),
    ] {
        let check = SCHEMA.find(kind).unwrap().1.check;
        assert_eq!(check(&object.to_string()).is_ok(), accepted, "{kind}: {object}");
    }
}
