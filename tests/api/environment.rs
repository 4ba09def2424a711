//! What runs get.

use drydock_tests::app::{TestApp, with_app};
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::{Value, json};

const SITE: &str = "/api/v1/projects/org%2Facme%2Fweb%2Fsite";
const WEB: &str = "/api/v1/project_groups/org%2Facme%2Fweb";
const ROOT: &str = "/api/v1/project_groups/org%2Facme";

async fn put(app: &TestApp, path: String, body: Value) {
    app.send(Request::post(&path).json(&body)).await.expect(201);
}

async fn variables(app: &TestApp, query: &str) -> Value {
    let answer = app.get(&format!("{SITE}/run_environment{query}")).await.expect(200);
    answer.json()["variables"].clone()
}

fn with_tree(test: impl AsyncFnOnce(TestApp)) {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        test(app).await;
    });
}

fn value(secret: &str, when: Option<&str>) -> Value {
    let mut value = json!({ "secret_name": secret, "secret_var": "key" });
    if let Some(branch) = when {
        value["when"] = json!({ "branch": { "include": [branch] } });
    }
    value
}

#[test]
fn a_run_gets_values_and_learns_what_is_missing() {
    with_tree(async |app| {
        let lost = json!({ "name": "lost", "values": [value("nowhere", None)] });
        put(&app, format!("{SITE}/variables"), lost).await;
        assert_snapshot!("get", app.get(&format!("{SITE}/run_environment?branch=main")).await);
        let nowhere = "/api/v1/projects/org%2Facme%2Fnowhere/run_environment";
        assert_snapshot!("get_not_exist", app.get(nowhere).await);
        let unknown = app.get(&format!("{SITE}/run_environment?brnch=main")).await;
        assert_snapshot!("get_unknown_parameter", unknown);
    });
}

#[test]
fn the_nearest_variable_wins_and_finds_its_secret_from_there_up() {
    with_tree(async |app| {
        let secret = |key: &str| json!({ "name": "token", "data": { "key": key } });
        put(&app, format!("{ROOT}/secrets"), secret("of the root")).await;
        put(&app, format!("{SITE}/secrets"), secret("of the project")).await;
        // Defined at the group: what the project has is below it.
        let variable = json!({ "name": "token", "values": [value("token", None)] });
        put(&app, format!("{WEB}/variables"), variable.clone()).await;
        assert_eq!(variables(&app, "").await["token"], "of the root");
        put(&app, format!("{SITE}/variables"), variable).await;
        assert_eq!(variables(&app, "").await["token"], "of the project");
        put(&app, format!("{WEB}/secrets"), secret("of the group")).await;
        assert_eq!(variables(&app, "").await["token"], "of the project");
        app.send(Request::delete(&format!("{SITE}/variables/token"))).await.expect(204);
        assert_eq!(variables(&app, "").await["token"], "of the group");
    });
}

#[test]
fn the_first_value_that_fits_is_taken_and_none_hides_what_is_above() {
    with_tree(async |app| {
        for name in ["first", "second"] {
            let secret = json!({ "name": name, "data": { "key": name } });
            put(&app, format!("{SITE}/secrets"), secret).await;
        }
        let values = [value("first", Some("main")), value("second", Some("m*"))];
        let variable = json!({ "name": "choice", "values": values });
        put(&app, format!("{SITE}/variables"), variable).await;
        let far = json!({ "name": "choice", "values": [value("deploy", None)] });
        put(&app, format!("{ROOT}/variables"), far).await;
        assert_eq!(variables(&app, "?branch=main").await["choice"], "first");
        assert_eq!(variables(&app, "?branch=maintenance").await["choice"], "second");
        assert_eq!(variables(&app, "?branch=other").await["choice"], Value::Null);
        assert_eq!(variables(&app, "?tag=main").await["choice"], Value::Null);
    });
}

#[test]
fn a_fork_gets_nothing_unless_the_project_says_so() {
    with_tree(async |app| {
        let inherited = json!({ "password": "the plain value" });
        assert_eq!(variables(&app, "?fork=false").await, inherited);
        assert_eq!(variables(&app, "?fork=true").await, json!({}));
        let allow = json!({ "pass_variables_to_forks": true });
        app.send(Request::put(SITE).json(&allow)).await.expect(200);
        assert_eq!(variables(&app, "?fork=true").await, inherited);
    });
}
