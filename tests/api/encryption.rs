//! Keys: several, changed, missing.

use drydock_configstore::{Configstore, Reencrypt};
use drydock_runtime::Settings;
use drydock_runtime::encryption::identity;
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::Request;
use drydock_tests::run::{run, until};
use insta::assert_snapshot;
use serde_json::json;

const ENVIRONMENT: &str = "/api/v1/projects/org%2Facme%2Fweb%2Fsite/run_environment";

fn key(name: &str, digit: char) -> String {
    format!("{name}:{}", digit.to_string().repeat(64))
}

fn with_keys(keys: &str) -> Settings {
    Settings { keys: keys.parse().expect("the keys are well-formed"), ..settings() }
}

/// A deployment whose secrets are sealed under the key `old`.
async fn sealed() -> TestApp {
    let mut app = TestApp::new();
    app.add(with_keys(&key("old", '1'))).await;
    app.ready().await;
    app.seed(&["alice"], &[("acme", "alice")]).await;
    app.seed_tree().await;
    app
}

/// The secrets of an export under a key, which is made of one digit.
fn sealed_under(export: &str, digit: u8) -> usize {
    let key = identity(&[digit * 0x11; 32]);
    let secrets = export.lines().filter(|line| line.contains("\"type\":\"secrets\""));
    secrets.filter(|line| line.contains(&format!("\"key\":\"{key}\""))).count()
}

#[test]
fn a_new_primary_key_takes_over_secret_by_secret() {
    run(async {
        let mut app = sealed().await;
        let both = format!("{},{}", key("new", '2'), key("old", '1'));
        app.add(with_keys(&both)).await;
        app.ready().await;
        let before = app.get(&ENVIRONMENT.replace("run_environment", "secrets/deploy")).await;
        let expected = json!({ "password": "the plain value" });
        let got = app.instance(2).send(Request::get(ENVIRONMENT)).await.expect(200);
        assert_eq!(got.json()["variables"], expected);
        let export = app.export().await;
        assert_eq!((sealed_under(&export, 2), sealed_under(&export, 1)), (1, 1));
        let after = app.get(&ENVIRONMENT.replace("run_environment", "secrets/deploy")).await;
        assert_eq!((after.header("etag"), &after.body), (before.header("etag"), &before.body));
        // An instance that does not know the new key says so.
        assert_snapshot!("key_missing", app.get(ENVIRONMENT).await);
        let again = app.instance(2).send(Request::get(ENVIRONMENT)).await.expect(200);
        assert_eq!(again.json()["variables"], expected);
    });
}

#[test]
fn secrets_survive_export_import_and_rotation_together() {
    run(async {
        let app = sealed().await;
        let export = app.export().await;
        let mut other = TestApp::new();
        let both = format!("{},{}", key("new", '2'), key("old", '1'));
        other.add(with_keys(&both)).await;
        other.ready().await;
        other.maintenance_on().await;
        other.send(Request::post("/api/v1/import").body(export.clone())).await.expect(200);
        other.maintenance_off().await;
        let got = other.get(ENVIRONMENT).await.expect(200).json();
        assert_eq!(got["variables"], json!({ "password": "the plain value" }));
    });
}

/// The secrets that need a key, as an instance counts them.
async fn counted(app: &TestApp, instance: usize, key: &str) -> Option<String> {
    let metrics = app.instance(instance).send(Request::get("/metrics")).await.expect(200);
    let start = format!("drydock_secrets{{key=\"{key}\"}} ");
    metrics.text().lines().find_map(|line| Some(line.strip_prefix(&start)?.to_owned()))
}

#[test]
fn an_instance_moves_all_secrets_when_it_is_told_to_and_shows_that_the_old_key_can_go() {
    run(async {
        let mut app = sealed().await;
        until(async || counted(&app, 1, "old").await.as_deref() == Some("2")).await;
        let both = format!("{},{}", key("new", '2'), key("old", '1'));
        app.add_service(Configstore::new(Reencrypt::AtStart), with_keys(&both)).await;
        app.ready().await;
        until(async || counted(&app, 2, "old").await.as_deref() == Some("0")).await;
        assert_eq!(counted(&app, 2, "new").await.as_deref(), Some("2"));
        let export = app.export().await;
        assert_eq!((sealed_under(&export, 2), sealed_under(&export, 1)), (2, 0));
        app.add(with_keys(&key("new", '2'))).await;
        app.ready().await;
        let got = app.instance(3).send(Request::get(ENVIRONMENT)).await.expect(200);
        assert_eq!(got.json()["variables"], json!({ "password": "the plain value" }));
    });
}

#[test]
fn an_import_that_needs_an_unknown_key_is_refused() {
    run(async {
        let app = sealed().await;
        let export = app.export().await;
        let mut other = TestApp::new();
        other.add(with_keys(&key("new", '2'))).await;
        other.ready().await;
        other.maintenance_on().await;
        let refused = other.send(Request::post("/api/v1/import").body(export)).await;
        assert_snapshot!("import_unknown_key", refused.without_request());
    });
}

#[test]
fn a_key_of_the_same_name_with_other_bytes_is_another_key() {
    run(async {
        let mut app = sealed().await;
        let export = app.export().await;
        let mut other = TestApp::new();
        other.add(with_keys(&key("old", '3'))).await;
        other.ready().await;
        for mode in ["normal", "maintenance"] {
            let dry = Request::post("/api/v1/import?dry_run=true").body(export.clone());
            let refused = other.send(dry).await;
            assert_eq!(refused.outcome(), "422 import_unknown_key", "{mode}");
            other.maintenance_on().await;
        }
        let refused = other.send(Request::post("/api/v1/import").body(export)).await;
        assert_eq!(refused.outcome(), "422 import_unknown_key");

        app.add(with_keys(&key("old", '3'))).await;
        let readyz = async || app.instance(2).send(Request::get("/readyz")).await;
        let missing = identity(&[0x11; 32]);
        until(async || readyz().await.text().contains(&missing)).await;
        assert_eq!(readyz().await.status, 503);
        let got = app.instance(2).send(Request::get(ENVIRONMENT)).await;
        assert_eq!(got.outcome(), "503 encryption_key_missing, retry after 1 s");
        app.instance(1).send(Request::get(ENVIRONMENT)).await.expect(200);
    });
}

#[test]
fn a_key_may_get_another_name() {
    run(async {
        let mut app = sealed().await;
        app.add(with_keys(&key("renamed", '1'))).await;
        app.ready().await;
        let got = app.instance(2).send(Request::get(ENVIRONMENT)).await.expect(200);
        assert_eq!(got.json()["variables"], json!({ "password": "the plain value" }));
        until(async || counted(&app, 2, "renamed").await.as_deref() == Some("2")).await;
    });
}
