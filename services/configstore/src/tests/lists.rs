use drydock_api::configstore::types::{NewUser, UserChange};
use drydock_api::names::Ref;
use drydock_core::context::Context;
use drydock_http::api::page::{Consistency, ListQuery};

use super::harness::TestConfigstore;

async fn names(store: &TestConfigstore, limit: usize, order: &str) -> Vec<String> {
    let (client, ctx) = (store.typed(), Context::background());
    let mut query = ListQuery {
        limit: Some(limit.to_string()),
        order: Some(order.to_owned()),
        ..ListQuery::default()
    };
    let mut names = Vec::new();
    loop {
        let page = client.users(&ctx, &query).await.unwrap();
        assert!(page.items.len() <= limit);
        names.extend(page.items.iter().map(|user| user.name.to_string()));
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return names,
        }
    }
}

#[tokio::test]
async fn pages_of_any_size_and_order_hold_every_user_once() {
    let store = TestConfigstore::start().await;
    let empty = store.expect("GET /users 200", "").await;
    assert_eq!(empty, serde_json::json!({"items": [], "next_cursor": null}));
    let (client, ctx) = (store.typed(), Context::background());
    let mut expected = Vec::new();
    for nth in 0..7 {
        let name = format!("user{nth}");
        let new = NewUser { name: name.clone(), admin: false };
        client.create_user(&ctx, &new, None).await.unwrap();
        expected.push(name);
    }
    for limit in [1, 3, 7, 100] {
        assert_eq!(names(&store, limit, "asc").await, expected);
    }
    expected.reverse();
    assert_eq!(names(&store, 2, "desc").await, expected);
}

#[tokio::test]
async fn the_typed_client_speaks_to_every_route_of_users() {
    let store = TestConfigstore::start().await;
    let (client, ctx) = (store.typed(), Context::background());
    let new = NewUser { name: "alice".into(), admin: true };
    let created = client.create_user(&ctx, &new, None).await.unwrap();
    let alice: Ref = "alice".parse().unwrap();
    let got = client.user(&ctx, &alice, Consistency::Local).await.unwrap();
    assert_eq!((&got.body, got.etag()), (&created.body, created.etag()));
    let change = UserChange { name: Some("bob".into()), admin: None };
    let changed = client.update_user(&ctx, &alice, &change, got.etag()).await.unwrap();
    assert!(changed.body.admin);
    let error = client.delete_user(&ctx, &alice, None).await.unwrap_err();
    assert_eq!(error.remote().unwrap().code, "user_not_exist");
    let bob = Ref::Id(changed.body.id);
    client.delete_user(&ctx, &bob, changed.etag()).await.unwrap();
}
