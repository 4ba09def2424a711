use drydock_tests::app::{TestApp, with_app};
use drydock_tests::client::{Exchange, Request};
use insta::assert_snapshot;
use serde_json::json;

const GROUPS: &str = "/api/v1/project_groups";
const WEB: &str = "/api/v1/project_groups/org%2Facme%2Fweb";

async fn create(app: &TestApp, name: &str, parent: &str) -> Exchange {
    let new = json!({ "name": name, "parent": parent });
    app.send(Request::post(GROUPS).json(&new)).await
}

fn with_tree(test: impl AsyncFnOnce(TestApp)) {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        test(app).await;
    });
}

#[test]
fn a_group_is_created_found_by_path_and_id_and_listed() {
    with_tree(async |app| {
        let created = create(&app, "docs", "org/acme/web").await;
        assert_snapshot!("create", created);
        let by_path = app.get(&format!("{WEB}%2Fdocs")).await;
        assert_snapshot!("get", by_path);
        let by_id = app.get(&format!("{GROUPS}/{}", created.field("id"))).await;
        assert_eq!(by_id.body, by_path.body);
        assert_snapshot!("get_root", app.get(&format!("{GROUPS}/user%2Falice")).await);
        assert_snapshot!("subgroups", app.get(&format!("{WEB}/subgroups")).await);
        assert_snapshot!("projects", app.get(&format!("{WEB}/projects")).await);
    });
}

#[test]
fn a_group_changes_its_name_and_its_visibility() {
    with_tree(async |app| {
        let change = json!({ "name": "www", "visibility": "private" });
        assert_snapshot!("update", app.send(Request::put(WEB).json(&change)).await);
        let site = app.get("/api/v1/projects/org%2Facme%2Fwww%2Fsite").await.expect(200).json();
        let seen = (&site["visibility"], &site["effective_visibility"]);
        assert_eq!(seen, (&json!("public"), &json!("private")));
        let same = app.send(Request::put(&format!("{GROUPS}/org%2Facme%2Fwww")).json(&change));
        assert_eq!(same.await.expect(200).json()["revision"], 2, "nothing changed");
    });
}

#[test]
fn an_organizations_visibility_covers_its_tree() {
    with_tree(async |app| {
        let hide = Request::put("/api/v1/orgs/acme").json(&json!({ "visibility": "private" }));
        app.send(hide).await.expect(200);
        let web = app.get(WEB).await.json();
        assert_eq!(web["effective_visibility"], "private");
        assert_eq!(web["visibility"], "public");
    });
}

#[test]
fn groups_are_refused_where_they_cannot_be() {
    with_tree(async |app| {
        assert_snapshot!("create_taken", create(&app, "web", "org/acme").await);
        assert_snapshot!("create_nowhere", create(&app, "docs", "org/acme/nowhere").await);
        assert_snapshot!("create_bad_parent", create(&app, "docs", "acme").await);
        assert_snapshot!("get_not_exist", app.get(&format!("{WEB}%2Fdocs")).await);
        let name = create(&app, "a b", "org/acme").await;
        assert_eq!(name.outcome(), "400 invalid_name", "{name}");
        for path in ["org", "org%2F", "team%2Facme", "org%2Facme%2F..%2Fweb", "%2Forg%2Facme"] {
            let refused = app.get(&format!("{GROUPS}/{path}")).await;
            assert_eq!(refused.outcome(), "400 invalid_ref", "{refused}");
        }
        app.get(&format!("{GROUPS}/org/acme")).await.expect(404);
    });
}

#[test]
fn a_root_group_stays_where_and_what_it_is() {
    with_tree(async |app| {
        let root = format!("{GROUPS}/org%2Facme");
        assert_snapshot!("delete_root", app.send(Request::delete(&root)).await);
        let rename = Request::put(&root).json(&json!({ "name": "other" }));
        assert_snapshot!("update_root_name", app.send(rename).await);
        let moved = app.send(Request::put(&root).json(&json!({ "parent": "user/alice" }))).await;
        assert_eq!(moved.outcome(), "409 root_project_group", "{moved}");
        let hide = json!({ "visibility": "private" });
        app.send(Request::put(&root).json(&hide)).await.expect(200);
        assert_eq!(app.get(WEB).await.json()["effective_visibility"], "private");
    });
}

#[test]
fn a_group_goes_with_everything_below_it() {
    with_tree(async |app| {
        create(&app, "docs", "org/acme/web").await.expect(201);
        let stale = app.get(WEB).await.header("etag").unwrap().to_owned();
        let hide = json!({ "visibility": "private" });
        app.send(Request::put(WEB).json(&hide)).await.expect(200);
        let delete = Request::delete(WEB);
        let outdated = app.send(delete.clone().header("if-match", &stale)).await;
        assert_snapshot!("delete_outdated", outdated);
        assert_snapshot!("delete", app.send(delete).await);
        let export = app.export().await;
        for kind in ["projects", "secrets", "variables"] {
            assert!(!export.contains(&format!("\"type\":\"{kind}\"")), "{kind} are left");
        }
        assert!(!export.contains("docs"), "subgroups are left");
    });
}

#[test]
fn users_and_orgs_go_with_their_trees_in_one_commit() {
    with_tree(async |app| {
        create(&app, "own", "user/alice").await.expect(201);
        let before = app.get("/api/v1/maintenance").await.json()["position"].as_u64();
        app.send(Request::delete("/api/v1/orgs/acme")).await.expect(204);
        app.send(Request::delete("/api/v1/users/alice")).await.expect(204);
        let after = app.get("/api/v1/maintenance").await.json()["position"].as_u64();
        assert_eq!(after, before.map(|position| position + 2));
        let export = drydock_tests::archive::Export::parse(&app.export().await);
        assert_eq!(export.objects.len(), 1, "the remote source alone is left");
    });
}
