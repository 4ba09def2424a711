use drydock_tests::app::{TestApp, with_app};
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::json;

const OF_PROJECT: &str = "/api/v1/projects/org%2Facme%2Fweb%2Fsite/variables";
const OF_GROUP: &str = "/api/v1/project_groups/org%2Facme%2Fweb/variables";

/// The names of snapshots, for each kind of place.
const PLACES: [([&str; 5], &str); 2] = [
    (
        ["project_create", "project_get", "project_list", "project_update", "project_delete"],
        OF_PROJECT,
    ),
    (["group_create", "group_get", "group_list", "group_update", "group_delete"], OF_GROUP),
];

fn with_tree(test: impl AsyncFnOnce(TestApp)) {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        test(app).await;
    });
}

#[test]
fn a_variable_comes_changes_and_goes() {
    with_tree(async |app| {
        for (names, list) in PLACES {
            let [create, get, list_all, update, delete] = names;
            let when = json!({ "branch": { "include": ["main", "release/*"] } });
            let value = json!({ "secret_name": "deploy", "secret_var": "key", "when": when });
            let new = json!({ "name": "url", "values": [value] });
            assert_snapshot!(create, app.send(Request::post(list).json(&new)).await);
            let path = format!("{list}/url");
            assert_snapshot!(get, app.get(&path).await);
            assert_snapshot!(list_all, app.get(list).await);
            let change = json!({ "name": "uri", "values": [] });
            let updated = app.send(Request::put(&path).json(&change)).await;
            assert_snapshot!(update, updated);
            let deleted = app.send(Request::delete(&format!("{list}/uri"))).await;
            assert_snapshot!(delete, deleted);
        }
        assert_snapshot!("tree", app.get(&format!("{OF_PROJECT}?tree=true")).await);
    });
}

#[test]
fn bad_variables_are_refused() {
    with_tree(async |app| {
        let create = |body| app.send(Request::post(OF_PROJECT).json(&body));
        assert_snapshot!("create_taken", create(json!({ "name": "password", "values": [] })).await);
        let value = |name: &str, var: &str| json!([{ "secret_name": name, "secret_var": var }]);
        let nameless = create(json!({ "name": "url", "values": value("a b", "key") })).await;
        assert_snapshot!("create_bad_secret_name", nameless);
        let keyless = create(json!({ "name": "url", "values": value("deploy", "") })).await;
        assert_snapshot!("create_empty_secret_var", keyless);
        let many = vec![value("deploy", "key")[0].clone(); 257];
        let many = create(json!({ "name": "url", "values": many })).await;
        assert_eq!(many.outcome(), "400 invalid_body", "{:.200}", many.text());
        assert_snapshot!("get_not_exist", app.get(&format!("{OF_PROJECT}/url")).await);
        let tree = app.get(&format!("{OF_PROJECT}?tree=perhaps")).await;
        assert_snapshot!("tree_perhaps", tree);
    });
}
