use drydock_tests::app::with_app;
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::json;

const ORGS: &str = "/api/v1/orgs";
const ACME: &str = "/api/v1/orgs/acme";

#[test]
fn create_answers_201_and_makes_the_owner() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        let create = |body| app.send(Request::post(ORGS).json(&body));
        let acme = json!({ "name": "acme", "visibility": "private", "owner": "alice" });
        assert_snapshot!("create", create(acme).await);
        let members = app.get("/api/v1/orgs/acme/members").await.json();
        assert_eq!(members["items"][0]["role"], "owner");
        let ownerless = json!({ "name": "ownerless", "visibility": "public" });
        assert_snapshot!("create_without_owner", create(ownerless).await);
    });
}

#[test]
fn create_refuses_what_is_no_new_org() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        let create = |body| app.send(Request::post(ORGS).json(&body));
        let taken = json!({ "name": "acme", "visibility": "public" });
        assert_snapshot!("create_taken", create(taken).await);
        let nobody = json!({ "name": "other", "visibility": "public", "owner": "nobody" });
        assert_snapshot!("create_owner_not_exist", create(nobody).await);
        app.get("/api/v1/orgs/other").await.expect(404);
        let bad_owner = json!({ "name": "other", "visibility": "public", "owner": "@" });
        assert_snapshot!("create_invalid_owner", create(bad_owner).await);
        let invisible = json!({ "name": "other", "visibility": "secret" });
        assert_snapshot!("create_unknown_visibility", create(invisible).await);
        assert_snapshot!("create_without_visibility", create(json!({ "name": "other" })).await);
        let name = json!({ "name": "no--good", "visibility": "public" });
        assert_snapshot!("create_invalid_name", create(name).await);
    });
}

#[test]
fn get_finds_by_name_and_by_id() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        let by_name = app.get(ACME).await;
        let by_id = app.get(&format!("{ORGS}/{}", by_name.field("id"))).await;
        assert_eq!((by_id.status, &by_id.body), (by_name.status, &by_name.body));
        assert_snapshot!("get", by_name);
        assert_snapshot!("get_not_exist", app.get("/api/v1/orgs/nothing").await);
    });
}

#[test]
fn update_changes_name_and_visibility() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice"), ("other", "alice")]).await;
        let update = |body| app.send(Request::put(ACME).json(&body));
        assert_snapshot!("update_visibility", update(json!({ "visibility": "private" })).await);
        assert_snapshot!("update_taken", update(json!({ "name": "other" })).await);
        assert_snapshot!("update_invalid_name", update(json!({ "name": "1st" })).await);
        assert_snapshot!("update_name", update(json!({ "name": "umbrella" })).await);
        assert_snapshot!("update_not_exist", update(json!({ "name": "gone" })).await);
    });
}

#[test]
fn changes_honour_if_match() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        let change = Request::put(ACME).header("if-match", "\"1-0000000000000000\"");
        let change = change.json(&json!({ "visibility": "private" }));
        assert_snapshot!("update_if_match_outdated", app.send(change).await);
        let delete = Request::delete(ACME).header("if-match", "\"1-0000000000000000\"");
        assert_snapshot!("delete_if_match_outdated", app.send(delete).await);
        app.get(ACME).await.expect(200);
    });
}

#[test]
fn delete_takes_the_memberships_along() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        assert_snapshot!("delete", app.send(Request::delete(ACME)).await);
        assert_snapshot!("delete_not_exist", app.send(Request::delete(ACME)).await);
        let orgs = app.get("/api/v1/users/alice/orgs").await.json();
        assert_eq!(orgs["items"], json!([]));
    });
}
