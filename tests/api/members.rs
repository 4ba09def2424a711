use drydock_tests::app::with_app;
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::json;

const MEMBERS: &str = "/api/v1/orgs/acme/members";

fn put(user: &str, role: &str) -> Request {
    Request::put(&format!("{MEMBERS}/{user}")).json(&json!({ "role": role }))
}

fn delete(user: &str) -> Request {
    Request::delete(&format!("{MEMBERS}/{user}"))
}

#[test]
fn get_finds_a_single_member() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[("acme", "alice")]).await;
        let path = "/api/v1/orgs/acme/members/alice";
        assert_snapshot!("get", app.get(path).await);
        let get = async |path: &str| app.get(&format!("/api/v1/orgs/{path}")).await;
        assert_snapshot!("get_no_member", get("acme/members/bob").await);
        assert_snapshot!("get_no_user", get("acme/members/carol").await);
        assert_snapshot!("get_no_org", get("other/members/alice").await);
        assert_snapshot!("get_odd_query", get("acme/members/alice?limit=1").await);
    });
}

#[test]
fn put_answers_201_for_a_new_member_and_200_for_a_known_one() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[("acme", "alice")]).await;
        assert_snapshot!("put_new", app.send(put("bob", "member")).await);
        assert_snapshot!("put_other_role", app.send(put("bob", "owner")).await);
        assert_snapshot!("put_same_role", app.send(put("bob", "owner")).await);
    });
}

#[test]
fn put_refuses_what_cannot_be() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        assert_snapshot!("put_user_not_exist", app.send(put("nobody", "member")).await);
        assert_snapshot!("put_unknown_role", app.send(put("alice", "king")).await);
        assert_snapshot!("put_last_owner", app.send(put("alice", "member")).await);
        let elsewhere = Request::put("/api/v1/orgs/nothing/members/alice");
        let elsewhere = elsewhere.json(&json!({ "role": "member" }));
        assert_snapshot!("put_org_not_exist", app.send(elsewhere).await);
        let outdated = put("alice", "owner").header("if-match", "\"9-0000000000000000\"");
        assert_snapshot!("put_if_match_outdated", app.send(outdated).await);
    });
}

#[test]
fn list_answers_members_by_name() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[("acme", "bob")]).await;
        app.send(put("alice", "member")).await.expect(201);
        assert_snapshot!("list", app.get(MEMBERS).await);
        let nothing = app.get("/api/v1/orgs/nothing/members").await;
        assert_snapshot!("list_org_not_exist", nothing);
    });
}

#[test]
fn delete_keeps_one_owner() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[("acme", "alice")]).await;
        app.send(put("bob", "member")).await.expect(201);
        assert_snapshot!("delete_last_owner", app.send(delete("alice")).await);
        let outdated = delete("bob").header("if-match", "\"9-0000000000000000\"");
        assert_snapshot!("delete_if_match_outdated", app.send(outdated).await);
        assert_snapshot!("delete", app.send(delete("bob")).await);
        assert_snapshot!("delete_not_a_member", app.send(delete("bob")).await);
        assert_snapshot!("delete_user_not_exist", app.send(delete("nobody")).await);
    });
}
