use drydock_tests::app::{TestApp, with_app};
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::json;

const OF_PROJECT: &str = "/api/v1/projects/org%2Facme%2Fweb%2Fsite/secrets";
const OF_GROUP: &str = "/api/v1/project_groups/org%2Facme%2Fweb/secrets";

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
fn a_secret_is_written_and_never_read() {
    with_tree(async |app| {
        for (names, list) in PLACES {
            let [create, get, list_all, update, delete] = names;
            let new = json!({ "name": "signing", "data": { "key": "never shown" } });
            let created = app.send(Request::post(list).json(&new)).await;
            assert!(!created.text().contains("never shown"), "{created}");
            assert_snapshot!(create, created);
            let path = format!("{list}/signing");
            assert_snapshot!(get, app.get(&path).await);
            assert_snapshot!(list_all, app.get(list).await);
            let change = json!({ "name": "sealing", "data": { "key": "not shown either" } });
            let updated = app.send(Request::put(&path).json(&change)).await;
            assert_snapshot!(update, updated);
            let export = app.export().await;
            assert!(!export.contains("never shown") && !export.contains("not shown"));
            let deleted = app.send(Request::delete(&format!("{list}/sealing"))).await;
            assert_snapshot!(delete, deleted);
        }
    });
}

#[test]
fn a_tree_lists_the_nearest_first_page_by_page() {
    with_tree(async |app| {
        let new = json!({ "name": "another", "data": {} });
        let root = "/api/v1/project_groups/org%2Facme/secrets";
        app.send(Request::post(root).json(&new)).await.expect(201);
        app.send(Request::post(OF_PROJECT).json(&new)).await.expect(201);
        assert_snapshot!("tree", app.get(&format!("{OF_PROJECT}?tree=true")).await);
        let mut seen = Vec::new();
        let mut path = format!("{OF_PROJECT}?tree=true&limit=1");
        loop {
            let page = app.get(&path).await.expect(200).json();
            let item = &page["items"][0];
            let at = item["parent"]["path"].as_str().unwrap();
            seen.push(format!("{at} {}", item["name"].as_str().unwrap()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("{OF_PROJECT}?tree=true&limit=1&cursor={cursor}");
        }
        let expected = [
            "org/acme/web/site another",
            "org/acme/web/site deploy",
            "org/acme/web deploy",
            "org/acme another",
        ];
        assert_eq!(seen, expected);
        let last = app.get(&format!("{OF_PROJECT}?tree=true&limit=1&order=desc")).await.json();
        assert_eq!(last["items"][0]["parent"]["path"], "org/acme");
        let group = app.get(&format!("{OF_GROUP}?tree=true")).await.json();
        assert_eq!(group["items"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn bad_secrets_are_refused_without_a_word_of_them() {
    with_tree(async |app| {
        let create = |body: &str| {
            let post = Request::post(OF_PROJECT).header("content-type", "application/json");
            app.send(post.body(body.to_owned()))
        };
        let taken = create(r#"{"name": "deploy", "data": {}}"#).await;
        assert_snapshot!("create_taken", taken);
        for body in [
            r#"{"name": "other", "data": {"": "hush"}}"#,
            r#"{"name": "other", "data": {"key": 7}}"#,
            r#"{"name": "other", "data": ["hush"]}"#,
            r#"{"name": "other", "data": {"key": "hush", "key": "hush"}}"#,
            r#"{"name": "other", "data": "hush"}"#,
            r#"{"name": "other", "data": null}"#,
        ] {
            let refused = create(body).await;
            assert_eq!(refused.outcome(), "400 invalid_body", "{refused}");
            assert!(!refused.text().contains("hush"), "{refused}");
        }
        assert_snapshot!("get_not_exist", app.get(&format!("{OF_PROJECT}/other")).await);
        // One of the group is not one of the project.
        let of_group = app.get(&format!("{OF_GROUP}/deploy")).await.field("id");
        let elsewhere = app.get(&format!("{OF_PROJECT}/{of_group}")).await;
        assert_eq!(elsewhere.outcome(), "404 secret_not_exist", "{elsewhere}");
    });
}

#[test]
fn changes_honour_if_match() {
    with_tree(async |app| {
        let path = format!("{OF_PROJECT}/deploy");
        let stale = app.get(&path).await.header("etag").unwrap().to_owned();
        let change = |tag: &str| {
            let body = json!({ "data": {} });
            app.send(Request::put(&path).header("if-match", tag).json(&body))
        };
        change(&stale).await.expect(200);
        assert_eq!(change(&stale).await.outcome(), "412 revision_mismatch");
    });
}
