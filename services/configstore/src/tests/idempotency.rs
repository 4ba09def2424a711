use std::time::Duration;

use drydock_api::configstore::types::NewUser;
use drydock_core::context::Context;

use drydock_runtime::encryption::{Bound, KeyRing};
use drydock_runtime::once::{IDEMPOTENCY_KEYS, IdempotencyRecord, MAX_KEPT};
use uuid::Uuid;

use super::harness::{KEYS, TestConfigstore};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    let store = TestConfigstore::start().await;
    let (client, ctx) = (store.typed(), Context::background());
    let new = NewUser { name: "alice".into(), admin: false };
    let first = client.create_user(&ctx, &new, Some("key")).await.unwrap();
    store.clock.advance(23 * HOUR);
    let again = client.create_user(&ctx, &new, Some("key")).await.unwrap();
    assert_eq!((again.body.id, again.etag()), (first.body.id, first.etag()));
    store.clock.advance(HOUR);
    let late = client.create_user(&ctx, &new, Some("key")).await.unwrap_err();
    assert_eq!(late.remote().unwrap().code, "user_already_exists");
    client.delete_user(&ctx, &"alice".parse().unwrap(), None).await.unwrap();
    let anew = client.create_user(&ctx, &new, Some("key")).await.unwrap();
    assert_ne!(anew.body.id, first.body.id);
}

/// Stores two answers of a caller, the first and the last of so many.
async fn use_up(store: &TestConfigstore, caller: Uuid, answers: i64) {
    let keys: KeyRing = KEYS.parse().unwrap();
    let env = store.env.clone();
    let ctx = Context::background();
    let put = store.service.store.transact(&ctx, move |tx| {
        for nth in [1, answers] {
            let (id, kind) = (tx.new_id(), IDEMPOTENCY_KEYS.name);
            let created_ms = tx.now().as_millisecond();
            let sealed = keys.encrypt(&env, Bound { kind, id }, b"{}");
            tx.put(kind, id, &IdempotencyRecord { id, created_ms, caller, nth, sealed })?;
        }
        Ok(())
    });
    put.await.unwrap();
}

#[tokio::test]
async fn the_keys_of_one_caller_are_no_matter_of_others() {
    let store = TestConfigstore::start().await;
    let (client, ctx) = (store.typed(), Context::background());
    let new = |name: &str| NewUser { name: name.into(), admin: false };
    use_up(&store, Uuid::from_u128(7), MAX_KEPT).await;
    client.create_user(&ctx, &new("alice"), Some("a")).await.unwrap();
    use_up(&store, Uuid::nil(), MAX_KEPT - 1).await;
    client.create_user(&ctx, &new("bob"), Some("b")).await.unwrap();
    let refused = client.create_user(&ctx, &new("carol"), Some("c")).await.unwrap_err();
    assert_eq!(refused.remote().unwrap().code, "too_many_requests");
    // A repetition needs no room, and a creation without a key neither.
    client.create_user(&ctx, &new("bob"), Some("b")).await.unwrap();
    client.create_user(&ctx, &new("carol"), None).await.unwrap();
    store.clock.advance(24 * HOUR);
    client.create_user(&ctx, &new("dave"), Some("c")).await.unwrap();
}
