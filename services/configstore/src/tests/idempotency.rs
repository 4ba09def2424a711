use std::time::Duration;

use drydock_api::configstore::types::NewUser;
use drydock_core::context::Context;

use super::harness::TestConfigstore;

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
