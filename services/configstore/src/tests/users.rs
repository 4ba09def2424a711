use super::harness::TestConfigstore;

#[tokio::test]
async fn a_user_is_created_found_renamed_and_deleted() {
    let store = TestConfigstore::start().await;
    let created = store.send("POST /users 201", r#"{"name": "alice"}"#).await;
    let user = created.json();
    let id = user["id"].as_str().unwrap();
    assert_eq!(created.header("location"), Some(&*format!("/api/v1/users/{id}")));
    assert_eq!((&user["revision"], &user["admin"]), (&1.into(), &false.into()));
    for path in [id, "alice"] {
        let got = store.send(&format!("GET /users/{path} 200"), "").await;
        assert_eq!((got.json(), got.header("etag")), (user.clone(), created.header("etag")));
    }
    let renamed = store.send("PUT /users/alice 200", r#"{"name": "Alice2"}"#).await;
    assert_eq!(renamed.json()["revision"], 2);
    assert_ne!(renamed.header("etag"), created.header("etag"));
    store.refuse("GET /users/alice 404 user_not_exist", "").await;
    store.expect("GET /users/Alice2 200", "").await;
    assert_eq!(store.expect("DELETE /users/Alice2 204", "").await, serde_json::Value::Null);
    store.refuse("GET /users/Alice2 404 user_not_exist", "").await;
    store.refuse(&format!("GET /users/{id} 404 user_not_exist"), "").await;
    store.refuse("DELETE /users/Alice2 404 user_not_exist", "").await;
}

#[tokio::test]
async fn user_names_are_unique_and_case_sensitive() {
    let store = TestConfigstore::start().await;
    store.expect("POST /users 201", r#"{"name": "alice"}"#).await;
    store.expect("POST /users 201", r#"{"name": "Alice"}"#).await;
    store.refuse("POST /users 409 user_already_exists", r#"{"name": "alice"}"#).await;
    store.refuse("PUT /users/Alice 409 user_already_exists", r#"{"name": "alice"}"#).await;
    let same = store.expect("PUT /users/alice 200", r#"{"name": "alice"}"#).await;
    assert_eq!(same["revision"], 1, "nothing changed");
}

#[tokio::test]
async fn bad_users_are_refused_by_name_and_field() {
    let store = TestConfigstore::start().await;
    store.refuse("POST /users 400 invalid_name", r#"{"name": "a--b"}"#).await;
    store.refuse("POST /users 400 invalid_body", r#"{"name": "ab", "admn": true}"#).await;
    store.refuse("POST /users 400 invalid_body", r#"{"name": 7}"#).await;
    store.refuse("POST /users 400 invalid_body", r#"{}"#).await;
    store.refuse("GET /users/a--b 400 invalid_ref", "").await;
    store.refuse("GET /users/ab?consistency=eventual 400 invalid_query", "").await;
    store.refuse("GET /users/ab?limit=1 400 invalid_query", "").await;
}

#[tokio::test]
async fn a_change_with_an_old_tag_is_refused() {
    let store = TestConfigstore::start().await;
    let created = store.send("POST /users 201", r#"{"name": "alice"}"#).await;
    let old = created.header("etag").unwrap();
    store.expect("PUT /users/alice 200", r#"{"admin": true}"#).await;
    let json = format!("Content-Type: application/json\r\nIf-Match: {old}\r\n");
    for (method, body) in [("PUT", r#"{"admin": false}"#), ("DELETE", "")] {
        let answer = store.ask(method, "/api/v1/users/alice", &json, body).await;
        assert_eq!(answer.error(), (412, "revision_mismatch".to_owned()));
    }
    let user = store.send("GET /users/alice?consistency=local 200", "").await;
    assert_eq!(user.json()["admin"], true);
    let fresh = format!("If-Match: {}\r\n", user.header("etag").unwrap());
    assert_eq!(store.ask("DELETE", "/api/v1/users/alice", &fresh, "").await.status, 204);
}
