use serde_json::json;

use super::harness::TestConfigstore;

async fn acme_of_alice() -> TestConfigstore {
    let store = TestConfigstore::start().await;
    for name in ["alice", "bob", "carol"] {
        store.expect("POST /users 201", &format!("{{\"name\": \"{name}\"}}")).await;
    }
    let new = r#"{"name": "acme", "visibility": "public", "owner": "alice"}"#;
    store.expect("POST /orgs 201", new).await;
    store
}

async fn roles(store: &TestConfigstore) -> Vec<String> {
    let members = store.expect("GET /orgs/acme/members 200", "").await;
    let items = members["items"].as_array().unwrap();
    let role = |item: &serde_json::Value| format!("{} {}", item["user"]["name"], item["role"]);
    items.iter().map(|item| role(item).replace('"', "")).collect()
}

#[tokio::test]
async fn members_come_change_and_go() {
    let store = acme_of_alice().await;
    assert_eq!(roles(&store).await, ["alice owner"]);
    let put = "/orgs/acme/members/bob";
    let created = store.send(&format!("PUT {put} 201"), r#"{"role": "member"}"#).await;
    let bob = created.json()["user"]["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), Some(&*format!("/api/v1/orgs/acme/members/{bob}")));
    let again = store.expect(&format!("PUT {put} 200"), r#"{"role": "member"}"#).await;
    assert_eq!(again, created.json());
    let raised = store.expect(&format!("PUT {put} 200"), r#"{"role": "owner"}"#).await;
    assert_eq!(raised["revision"], 2);
    assert_eq!(roles(&store).await, ["alice owner", "bob owner"]);
    let orgs = store.expect("GET /users/bob/orgs 200", "").await;
    assert_eq!(orgs["items"][0]["org"]["name"], json!("acme"));
    assert_eq!(orgs["items"][0]["role"], json!("owner"));
    store.expect(&format!("DELETE {put} 204"), "").await;
    store.refuse(&format!("DELETE {put} 404 member_not_exist"), "").await;
    assert_eq!(roles(&store).await, ["alice owner"]);
}

#[tokio::test]
async fn the_last_owner_cannot_leave_in_any_way() {
    let store = acme_of_alice().await;
    store.expect("PUT /orgs/acme/members/bob 201", r#"{"role": "member"}"#).await;
    store.refuse("DELETE /orgs/acme/members/alice 409 last_owner", "").await;
    store.refuse("PUT /orgs/acme/members/alice 409 last_owner", r#"{"role": "member"}"#).await;
    store.refuse("DELETE /users/alice 409 last_owner", "").await;
    assert_eq!(roles(&store).await, ["alice owner", "bob member"]);
    store.expect("PUT /orgs/acme/members/bob 200", r#"{"role": "owner"}"#).await;
    store.expect("PUT /orgs/acme/members/alice 200", r#"{"role": "member"}"#).await;
    store.expect("DELETE /users/alice 204", "").await;
    assert_eq!(roles(&store).await, ["bob owner"]);
}

#[tokio::test]
async fn deleting_a_user_or_an_org_ends_its_memberships() {
    let store = acme_of_alice().await;
    for name in ["bob", "carol"] {
        let line = format!("PUT /orgs/acme/members/{name} 201");
        store.expect(&line, r#"{"role": "member"}"#).await;
    }
    store.expect("DELETE /users/bob 204", "").await;
    assert_eq!(roles(&store).await, ["alice owner", "carol member"]);
    store.expect("DELETE /orgs/acme 204", "").await;
    let orgs = store.expect("GET /users/carol/orgs 200", "").await;
    assert_eq!(orgs, json!({"items": [], "next_cursor": null}));
    store.expect("DELETE /users/alice 204", "").await;
}

#[tokio::test]
async fn whoever_is_missing_is_named() {
    let store = acme_of_alice().await;
    let role = r#"{"role": "member"}"#;
    store.refuse("PUT /orgs/nowhere/members/bob 404 org_not_exist", role).await;
    store.refuse("PUT /orgs/acme/members/nobody 404 user_not_exist", role).await;
    store.refuse("DELETE /orgs/acme/members/bob 404 member_not_exist", "").await;
    store.refuse("GET /orgs/nowhere/members 404 org_not_exist", "").await;
    store.refuse("GET /users/nobody/orgs 404 user_not_exist", "").await;
    store.refuse("PUT /orgs/acme/members/bob 400 invalid_body", r#"{"role": "king"}"#).await;
}
