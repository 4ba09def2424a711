use std::time::Duration;

use drydock_tests::app::with_app;
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::json;

const USERS: &str = "/api/v1/users";
const ALICE: &str = "/api/v1/users/alice";

#[test]
fn create_answers_201_with_location_and_etag() {
    with_app(async |app| {
        let create = |body| app.send(Request::post(USERS).json(&body));
        assert_snapshot!("create", create(json!({ "name": "alice" })).await);
        assert_snapshot!("create_admin", create(json!({ "name": "root-2", "admin": true })).await);
    });
}

#[test]
fn create_refuses_what_is_no_new_user() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        let create = |body| app.send(Request::post(USERS).json(&body));
        assert_snapshot!("create_taken", create(json!({ "name": "alice" })).await);
        assert_snapshot!("create_without_name", create(json!({})).await);
        assert_snapshot!("create_name_of_wrong_type", create(json!({ "name": 7 })).await);
        assert_snapshot!("create_name_too_short", create(json!({ "name": "a" })).await);
        assert_snapshot!("create_name_with_space", create(json!({ "name": "al ice" })).await);
        let id = json!({ "name": "a190163d-8694-739b-aea5-966c26f8ad91" });
        assert_snapshot!("create_name_is_an_id", create(id).await);
        let unknown = json!({ "name": "bob", "nickname": "bo" });
        assert_snapshot!("create_unknown_field", create(unknown).await);
    });
}

#[test]
fn get_finds_by_name_and_by_id() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        let by_name = app.get(ALICE).await;
        let by_id = app.get(&format!("{USERS}/{}", by_name.field("id"))).await;
        assert_eq!((by_id.status, &by_id.body), (by_name.status, &by_name.body));
        assert_eq!(by_id.header("etag"), by_name.header("etag"));
        assert_snapshot!("get", by_name);
        let local = app.get(&format!("{ALICE}?consistency=local")).await;
        assert_eq!(local.body, by_name.body);
    });
}

#[test]
fn get_refuses_what_it_cannot_find() {
    with_app(async |app| {
        assert_snapshot!("get_not_exist", app.get(ALICE).await);
        let id = format!("{USERS}/0190163d-8694-739b-aea5-966c26f8ad91");
        assert_snapshot!("get_id_not_exist", app.get(&id).await);
        assert_snapshot!("get_invalid_ref", app.get("/api/v1/users/@alice").await);
        let guess = app.get(&format!("{ALICE}?consistency=mostly")).await;
        assert_snapshot!("get_unknown_consistency", guess);
    });
}

#[test]
fn update_renames_and_counts_the_revision() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        tokio::time::advance(Duration::from_secs(60)).await;
        let bob = app.send(Request::put(ALICE).json(&json!({ "name": "bob" }))).await;
        assert_snapshot!("update_name", bob);
        app.get(ALICE).await.expect(404);
        let path = format!("{USERS}/bob");
        let admin = app.send(Request::put(&path).json(&json!({ "admin": true }))).await;
        assert_snapshot!("update_admin", admin);
        let same = app.send(Request::put(&path).json(&json!({ "name": "bob" }))).await;
        assert_eq!(same.expect(200).body, admin.body, "nothing changed, so no new revision");
    });
}

#[test]
fn update_refuses_what_cannot_be() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[]).await;
        let update = |body| app.send(Request::put(ALICE).json(&body));
        assert_snapshot!("update_taken", update(json!({ "name": "bob" })).await);
        assert_snapshot!("update_invalid_name", update(json!({ "name": "-" })).await);
        assert_snapshot!("update_unknown_field", update(json!({ "id": 1 })).await);
        let nobody = Request::put("/api/v1/users/nobody").json(&json!({ "admin": true }));
        assert_snapshot!("update_not_exist", app.send(nobody).await);
    });
}

#[test]
fn changes_honour_if_match() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        let first = app.get(ALICE).await;
        let tag = first.header("etag").unwrap();
        let change = |tag| {
            let body = json!({ "admin": true });
            app.send(Request::put(ALICE).header("if-match", tag).json(&body))
        };
        assert_snapshot!("update_if_match", change(tag).await);
        assert_snapshot!("update_if_match_outdated", change(tag).await);
        assert_snapshot!("update_if_match_malformed", change("1").await);
        let delete = Request::delete(ALICE);
        let outdated = app.send(delete.clone().header("if-match", tag)).await;
        assert_snapshot!("delete_if_match_outdated", outdated);
        app.send(delete.header("if-match", "*")).await.expect(204);
    });
}

#[test]
fn delete_takes_the_memberships_along() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[("acme", "alice")]).await;
        let member = Request::put("/api/v1/orgs/acme/members/bob");
        app.send(member.json(&json!({ "role": "member" }))).await.expect(201);
        assert_snapshot!("delete", app.send(Request::delete("/api/v1/users/bob")).await);
        app.get("/api/v1/users/bob").await.expect(404);
        let members = app.get("/api/v1/orgs/acme/members").await.json();
        assert_eq!(members["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn delete_refuses_the_last_owner_and_nobody() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        assert_snapshot!("delete_last_owner", app.send(Request::delete(ALICE)).await);
        app.get(ALICE).await.expect(200);
        let nobody = Request::delete("/api/v1/users/nobody");
        assert_snapshot!("delete_not_exist", app.send(nobody).await);
    });
}

#[test]
fn orgs_of_a_user_come_with_the_role() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice"), ("zebra", "alice")]).await;
        assert_snapshot!("orgs", app.get("/api/v1/users/alice/orgs").await);
        assert_snapshot!("orgs_not_exist", app.get("/api/v1/users/nobody/orgs").await);
    });
}
