use drydock_tests::app::with_app;
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::{Value, json};

const SOURCES: &str = "/api/v1/remote_sources";

fn forge(url: &str) -> Value {
    json!({ "name": "forge", "api_url": url, "kind": "gitea", "auth_kind": "token" })
}

#[test]
fn a_remote_source_comes_changes_and_goes() {
    with_app(async |app| {
        let created = app.send(Request::post(SOURCES).json(&forge("https://forge.example"))).await;
        assert_snapshot!("create", created);
        let path = format!("{SOURCES}/forge");
        assert_snapshot!("get", app.get(&path).await);
        assert_snapshot!("list", app.get(SOURCES).await);
        let change = json!({ "name": "smithy", "kind": "gitlab", "auth_kind": "oauth2" });
        assert_snapshot!("update", app.send(Request::put(&path).json(&change)).await);
        let path = format!("{SOURCES}/smithy");
        assert_snapshot!("delete", app.send(Request::delete(&path)).await);
        assert_snapshot!("get_not_exist", app.get(&path).await);
    });
}

#[test]
fn bad_remote_sources_are_refused() {
    with_app(async |app| {
        let good = forge("https://forge.example");
        app.send(Request::post(SOURCES).json(&good)).await.expect(201);
        assert_snapshot!("create_taken", app.send(Request::post(SOURCES).json(&good)).await);
        for url in ["", "forge.example", "ftp://forge.example", "https://", "http:///x"] {
            let refused = app.send(Request::post(SOURCES).json(&forge(url))).await;
            assert_eq!(refused.outcome(), "400 invalid_body", "{url}");
        }
        let credentials = forge("https://user:password@forge.example");
        let refused = app.send(Request::post(SOURCES).json(&credentials)).await;
        assert!(!refused.text().contains("password"), "{refused}");
        assert_eq!(refused.outcome(), "400 invalid_body", "{refused}");
    });
}

#[test]
fn a_remote_source_in_use_stays() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        let path = format!("{SOURCES}/forge");
        assert_snapshot!("delete_in_use", app.send(Request::delete(&path)).await);
        let site = "/api/v1/projects/org%2Facme%2Fweb%2Fsite";
        app.send(Request::put(site).json(&json!({ "remote_source": null }))).await.expect(200);
        app.send(Request::delete(&path)).await.expect(204);
    });
}
