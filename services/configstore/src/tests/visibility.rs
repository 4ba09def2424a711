use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::types::{Delegation, NewToken, TokenDigest};
use drydock_core::context::Context;
use drydock_http::api::page::{ListQuery, Page};

use super::harness::TestConfigstore;

/// A client that asks on behalf of this user.
async fn on_behalf_of(store: &TestConfigstore, user: &str) -> ConfigstoreClient {
    let (client, ctx) = (store.typed(), Context::background());
    let new = NewToken { name: "test".to_owned() };
    let made = client.create_token(&ctx, &user.parse().unwrap(), &new, None).await.unwrap();
    let (token, rights) = (TokenDigest::of(&made.body.value), Vec::new());
    client.on_behalf_of(&Delegation { token, rights })
}

fn names<T>(page: Page<T>, name: impl Fn(T) -> String) -> Vec<String> {
    page.items.into_iter().map(name).collect()
}

#[tokio::test]
async fn lists_leave_out_objects_that_the_user_may_not_see() {
    let (store, ctx) = (TestConfigstore::start().await, Context::background());
    for user in ["alice", "bob"] {
        store.expect("POST /users 201", &format!(r#"{{"name":"{user}"}}"#)).await;
    }
    for (name, visibility, owner) in
        [("aa", "private", "alice"), ("bb", "private", "bob"), ("cc", "public", "bob")]
    {
        let body = format!(r#"{{"name":"{name}","visibility":"{visibility}","owner":"{owner}"}}"#);
        store.expect("POST /orgs 201", &body).await;
    }
    for what in ["project_groups", "projects"] {
        for (name, visibility) in [("one", "private"), ("two", "public"), ("six", "public")] {
            let body =
                format!(r#"{{"name":"{name}","parent":"org/cc","visibility":"{visibility}"}}"#);
            store.expect(&format!("POST /{what} 201"), &body).await;
        }
    }
    let (all, one) = (ListQuery::default(), Some("1".to_owned()));
    let group = "org/cc".parse().unwrap();
    for (client, orgs, children) in [
        (on_behalf_of(&store, "alice").await, &["aa", "cc"][..], &["six", "two"][..]),
        (on_behalf_of(&store, "bob").await, &["bb", "cc"], &["one", "six", "two"]),
        (store.typed(), &["aa", "bb", "cc"], &["one", "six", "two"]),
    ] {
        let listed = client.orgs(&ctx, &all).await.unwrap();
        assert_eq!(names(listed, |org| org.name.to_string()), orgs);
        let listed = client.projects(&ctx, &group, &all).await.unwrap();
        assert_eq!(names(listed, |project| project.name.to_string()), children);
        let mut query = ListQuery { limit: one.clone(), ..ListQuery::default() };
        let mut paged = Vec::new();
        loop {
            let page = client.subgroups(&ctx, &group, &query).await.unwrap();
            query.cursor.clone_from(&page.next_cursor);
            paged.extend(names(page, |group| group.name));
            if query.cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, children);
    }
}

#[tokio::test]
async fn a_single_membership_is_found_or_refused() {
    let store = TestConfigstore::start().await;
    for name in ["alice", "bob"] {
        store.expect("POST /users 201", &format!(r#"{{"name":"{name}"}}"#)).await;
    }
    let org = r#"{"name":"acme","visibility":"private","owner":"alice"}"#;
    store.expect("POST /orgs 201", org).await;
    let member = store.expect("GET /orgs/acme/members/alice 200", "").await;
    assert_eq!((&member["role"], &member["user"]["name"]), (&"owner".into(), &"alice".into()));
    store.refuse("GET /orgs/acme/members/bob 404 member_not_exist", "").await;
    store.refuse("GET /orgs/acme/members/carol 404 user_not_exist", "").await;
    store.refuse("GET /orgs/other/members/alice 404 org_not_exist", "").await;
}
