use drydock_tests::app::with_app;
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::{Value, json};

const ACCOUNTS: &str = "/api/v1/users/alice/linked_accounts";

fn account(source: &str, id: &str) -> Value {
    json!({ "remote_source": source, "remote_user_id": id, "remote_user_name": "alice" })
}

#[test]
fn an_account_is_linked_listed_and_taken_away() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        let created = app.send(Request::post(ACCOUNTS).json(&account("forge", "7"))).await;
        assert_snapshot!("create", created);
        assert_snapshot!("list", app.get(ACCOUNTS).await);
        let path = format!("{ACCOUNTS}/{}", created.field("id"));
        let stale = Request::delete(&path).header("if-match", "\"stale\"");
        assert_snapshot!("delete_if_match", app.send(stale).await);
        assert_snapshot!("delete", app.send(Request::delete(&path)).await);
        assert_snapshot!("delete_not_exist", app.send(Request::delete(&path)).await);
    });
}

#[test]
fn one_account_is_one_users_and_one_user_has_one_account() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        app.send(Request::post(ACCOUNTS).json(&account("forge", "7"))).await.expect(201);
        let second = app.send(Request::post(ACCOUNTS).json(&account("forge", "8"))).await;
        assert_snapshot!("create_second", second);
        let bobs = Request::post("/api/v1/users/bob/linked_accounts");
        let shared = app.send(bobs.clone().json(&account("forge", "7"))).await;
        assert_snapshot!("create_shared", shared);
        let unknown = app.send(bobs.clone().json(&account("nowhere", "7"))).await;
        assert_snapshot!("create_unknown_source", unknown);
        let empty = app.send(bobs.json(&account("forge", ""))).await;
        assert_snapshot!("create_without_id", empty);
        app.send(Request::delete("/api/v1/orgs/acme")).await.expect(204);
        app.send(Request::delete("/api/v1/users/alice")).await.expect(204);
        app.send(Request::delete("/api/v1/remote_sources/forge")).await.expect(204);
    });
}
