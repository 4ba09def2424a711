use drydock_tests::app::with_app;
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::json;

const TOKENS: &str = "/api/v1/users/alice/tokens";
const RESOLVE: &str = "/api/v1/tokens/resolve";

#[test]
fn a_token_shows_its_value_once_and_is_resolved_by_it() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        let created = app.send(Request::post(TOKENS).json(&json!({ "name": "laptop" }))).await;
        assert_snapshot!("create", created);
        let value = created.field("value");
        assert_snapshot!("list_before_use", app.get(TOKENS).await);
        let resolve = || app.send(Request::post(RESOLVE).json(&json!({ "value": value })));
        assert_snapshot!("resolve", resolve().await);
        assert_snapshot!("list", app.get(TOKENS).await);
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
        let again = resolve().await.expect(200).json();
        assert_eq!(again["token"]["last_used_at"], "2026-01-01T00:00:01Z", "noted once an hour");
        let export = app.export().await;
        assert!(!export.contains(&value), "only its hash is kept");
        assert_snapshot!("delete", app.send(Request::delete(&format!("{TOKENS}/laptop"))).await);
        assert_snapshot!("resolve_deleted", resolve().await);
    });
}

#[test]
fn tokens_are_refused_by_name_user_and_value() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[]).await;
        let laptop = json!({ "name": "laptop" });
        app.send(Request::post(TOKENS).json(&laptop)).await.expect(201);
        assert_snapshot!("create_taken", app.send(Request::post(TOKENS).json(&laptop)).await);
        let nobody = Request::post("/api/v1/users/nobody/tokens").json(&laptop);
        assert_snapshot!("create_for_nobody", app.send(nobody).await);
        app.send(Request::post("/api/v1/users/bob/tokens").json(&laptop)).await.expect(201);
        let other = app.send(Request::delete(&format!("{TOKENS}/other"))).await;
        assert_snapshot!("delete_not_exist", other);
        let unknown = json!({ "value": "drydock_0000" });
        assert_snapshot!("resolve_unknown", app.send(Request::post(RESOLVE).json(&unknown)).await);
    });
}

#[test]
fn tokens_go_with_their_user() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        let created = app.send(Request::post(TOKENS).json(&json!({ "name": "laptop" }))).await;
        let value = json!({ "value": created.field("value") });
        app.send(Request::delete("/api/v1/users/alice")).await.expect(204);
        let gone = app.send(Request::post(RESOLVE).json(&value)).await;
        assert_eq!(gone.outcome(), "404 token_not_exist");
    });
}

#[test]
fn a_token_is_resolved_while_its_use_cannot_be_noted() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        let created = app.send(Request::post(TOKENS).json(&json!({ "name": "laptop" }))).await;
        let value = json!({ "value": created.field("value") });
        app.objects.trouble.set(drydock_tests::faulty::Trouble::Refused);
        app.send(Request::post(RESOLVE).json(&value)).await.expect(200);
    });
}
