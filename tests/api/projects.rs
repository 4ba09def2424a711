use drydock_tests::app::{TestApp, with_app};
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::json;

const PROJECTS: &str = "/api/v1/projects";
const SITE: &str = "/api/v1/projects/org%2Facme%2Fweb%2Fsite";

fn with_tree(test: impl AsyncFnOnce(TestApp)) {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        test(app).await;
    });
}

#[test]
fn a_project_is_created_with_defaults_and_found() {
    with_tree(async |app| {
        let new = json!({ "name": "site", "parent": "org/acme" });
        let created = app.send(Request::post(PROJECTS).json(&new)).await;
        assert_snapshot!("create", created);
        assert_snapshot!("get", app.get(SITE).await);
        let by_id = app.get(&format!("{PROJECTS}/{}", created.field("id"))).await.expect(200);
        assert_eq!(by_id.body, created.body);
    });
}

#[test]
fn a_project_changes_field_by_field_and_moves() {
    with_tree(async |app| {
        let change = json!({
            "name": "blog",
            "parent": "user/alice",
            "visibility": "private",
            "repository_path": null,
            "members_can_run": true,
            "pass_variables_to_forks": true,
            "default_branch": "trunk",
        });
        assert_snapshot!("update", app.send(Request::put(SITE).json(&change)).await);
        app.get(SITE).await.expect(404);
        let path = format!("{PROJECTS}/user%2Falice%2Fblog");
        let same = app.send(Request::put(&path).json(&json!({ "name": "blog" }))).await;
        assert_eq!(same.expect(200).json()["revision"], 2, "nothing changed");
        assert_snapshot!("delete", app.send(Request::delete(&path)).await);
    });
}

#[test]
fn bad_projects_are_refused() {
    with_tree(async |app| {
        let create = |body| app.send(Request::post(PROJECTS).json(&body));
        let taken = create(json!({ "name": "site", "parent": "org/acme/web" })).await;
        assert_snapshot!("create_taken", taken);
        let source = json!({ "name": "blog", "parent": "org/acme", "remote_source": "nowhere" });
        assert_snapshot!("create_unknown_source", create(source).await);
        let nowhere = json!({ "name": "blog", "parent": "org/nowhere" });
        assert_snapshot!("create_nowhere", create(nowhere.clone()).await);
        assert_snapshot!("move_nowhere", app.send(Request::put(SITE).json(&nowhere)).await);
        let unknown = Request::put(SITE).json(&json!({ "remote_source": "nowhere" }));
        assert_snapshot!("update_unknown_source", app.send(unknown).await);
        let branch = json!({ "name": "blog", "parent": "org/acme", "default_branch": "" });
        assert_snapshot!("create_empty_branch", create(branch).await);
        assert_snapshot!("get_not_exist", app.get(&format!("{PROJECTS}/org%2Facme%2Fblog")).await);
        assert_snapshot!("get_root", app.get(&format!("{PROJECTS}/org%2Facme")).await);
        let group = app.get("/api/v1/project_groups/org%2Facme%2Fweb").await.field("id");
        app.get(&format!("{PROJECTS}/{group}")).await.expect(404);
    });
}

#[test]
fn changes_honour_if_match() {
    with_tree(async |app| {
        let stale = app.get(SITE).await.header("etag").unwrap().to_owned();
        let change = |tag: &str| {
            let body = json!({ "members_can_run": true });
            app.send(Request::put(SITE).header("if-match", tag).json(&body))
        };
        change(&stale).await.expect(200);
        assert_eq!(change(&stale).await.outcome(), "412 revision_mismatch");
        let delete = app.send(Request::delete(SITE).header("if-match", &stale)).await;
        assert_eq!(delete.outcome(), "412 revision_mismatch");
    });
}
