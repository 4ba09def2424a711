use super::harness::TestConfigstore;

#[tokio::test]
async fn an_org_is_created_found_changed_and_deleted() {
    let store = TestConfigstore::start().await;
    let new = r#"{"name": "acme", "visibility": "private"}"#;
    let created = store.send("POST /orgs 201", new).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), Some(&*format!("/api/v1/orgs/{id}")));
    assert_eq!(store.expect("GET /orgs/acme 200", "").await, created.json());
    let change = r#"{"name": "Acme", "visibility": "public"}"#;
    let changed = store.expect(&format!("PUT /orgs/{id} 200"), change).await;
    assert_eq!((&changed["visibility"], &changed["revision"]), (&"public".into(), &2.into()));
    store.refuse("GET /orgs/acme 404 org_not_exist", "").await;
    store.expect("DELETE /orgs/Acme 204", "").await;
    store.refuse("GET /orgs/Acme 404 org_not_exist", "").await;
}

#[tokio::test]
async fn bad_orgs_are_refused_and_leave_nothing_behind() {
    let store = TestConfigstore::start().await;
    store.expect("POST /orgs 201", r#"{"name": "acme", "visibility": "public"}"#).await;
    for (line, body) in [
        ("POST /orgs 409 org_already_exists", r#"{"name": "acme", "visibility": "public"}"#),
        ("POST /orgs 400 invalid_name", r#"{"name": "a", "visibility": "public"}"#),
        ("POST /orgs 400 invalid_body", r#"{"name": "beta", "visibility": "secret"}"#),
        ("POST /orgs 400 invalid_body", r#"{"name": "beta"}"#),
        (
            "POST /orgs 404 user_not_exist",
            r#"{"name": "beta", "visibility": "public", "owner": "nobody"}"#,
        ),
        ("POST /orgs 400 invalid_ref", r#"{"name": "beta", "visibility": "public", "owner": "@"}"#),
    ] {
        store.refuse(line, body).await;
    }
    let orgs = store.expect("GET /orgs 200", "").await;
    assert_eq!(orgs["items"].as_array().unwrap().len(), 1);
}
