//! Deletions of subtrees, users and organizations with more objects than one commit deletes.

use drydock_runtime::Settings;
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::Request;
use drydock_tests::run::{run, until};
use serde_json::{Value, json};

const SITE: &str = "/api/v1/projects/org%2Facme%2Fweb%2Fsite";
const WEB: &str = "/api/v1/project_groups/org%2Facme%2Fweb";
const ACME: &str = "/api/v1/orgs/acme";

/// Each subtree of the test has more objects than that.
fn small_commits() -> Settings {
    let mut settings = settings();
    settings.store.deletion_objects = 2;
    settings
}

/// Runs a test with a tree of groups, projects, secrets and variables.
fn with_tree(test: impl AsyncFnOnce(&TestApp)) {
    run(async {
        let mut app = TestApp::new();
        app.add(small_commits()).await;
        app.add(small_commits()).await;
        app.ready().await;
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        grow(&app).await;
        test(&app).await;
    });
}

async fn grow(app: &TestApp) {
    let deep = json!({ "name": "deep", "parent": "org/acme/web", "visibility": "public" });
    let tool = json!({ "name": "tool", "parent": "org/acme/web/deep", "visibility": "public" });
    for (path, body) in [("project_groups", &deep), ("projects", &tool)] {
        app.send(Request::post(&format!("/api/v1/{path}")).json(body)).await.expect(201);
    }
}

async fn id(app: &TestApp, path: &str) -> String {
    let object = app.get(path).await.expect(200).json();
    object["id"].as_str().expect("every object has an id").to_owned()
}

async fn code(app: &TestApp, path: &str) -> String {
    let body: Value = app.get(path).await.expect(404).json();
    body["code"].as_str().expect("every error has a code").to_owned()
}

fn has_leftovers(export: &str) -> bool {
    export.contains("deleted_at")
}

/// The value of a metric of the first instance.
async fn metric(app: &TestApp, name: &str) -> u64 {
    let page = app.get("/metrics").await.expect(200);
    let mut lines = page.text().lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.expect("the metric is there").parse().expect("it is a number")
}

#[test]
fn a_subtree_of_any_size_is_gone_at_once_and_its_names_are_free() {
    for (deleted, again) in [(ACME, "orgs"), (WEB, "project_groups"), (SITE, "projects")] {
        with_tree(async |app| {
            let site = format!("/api/v1/projects/{}", id(app, SITE).await);
            let web = format!("/api/v1/project_groups/{}", id(app, WEB).await);
            app.send(Request::delete(deleted)).await.expect(204);
            assert!(has_leftovers(&app.export().await), "{deleted} is deleted in one commit");
            for path in [SITE.to_owned(), site.clone(), format!("{site}/secrets")] {
                assert_eq!(code(app, &path).await, "project_not_exist", "{path}");
            }
            if deleted != SITE {
                for path in [WEB.to_owned(), web.clone(), format!("{web}/projects")] {
                    assert_eq!(code(app, &path).await, "project_group_not_exist", "{path}");
                }
            }
            let body = match again {
                "orgs" => json!({ "name": "acme", "visibility": "public", "owner": "alice" }),
                "project_groups" => {
                    json!({ "name": "web", "parent": "org/acme", "visibility": "public" })
                }
                _ => json!({ "name": "site", "parent": "org/acme/web", "visibility": "public" }),
            };
            let again = Request::post(&format!("/api/v1/{again}")).json(&body);
            app.send(again).await.expect(201);
            assert_eq!(code(app, &site).await, "project_not_exist");
            until(async || !has_leftovers(&app.export().await)).await;
            until(async || metric(app, "drydock_store_deletions_waiting").await == 0).await;
            assert!(!app.export().await.contains("\"tool\"") || deleted == SITE);
        });
    }
}

#[test]
fn an_export_of_a_deletion_under_way_imports_to_what_users_see() {
    with_tree(async |app| {
        let site = format!("/api/v1/projects/{}", id(app, SITE).await);
        app.send(Request::delete(ACME)).await.expect(204);
        let seen = async || {
            let users = app.get("/api/v1/users").await.expect(200).json();
            let orgs = app.get("/api/v1/orgs").await.expect(200).json();
            (users, orgs, code(app, &site).await, code(app, WEB).await)
        };
        let before = seen().await;
        let export = app.export().await;
        assert!(has_leftovers(&export));
        until(async || !has_leftovers(&app.export().await)).await;
        app.maintenance_on().await;
        app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        app.maintenance_off().await;
        assert_eq!(seen().await, before);
        // The work goes on in the state that was imported.
        until(async || !has_leftovers(&app.export().await)).await;
        assert_eq!(seen().await, before);
        let source = Request::delete("/api/v1/remote_sources/forge");
        app.send(source).await.expect(204);
    });
}

#[test]
fn a_small_subtree_goes_in_one_commit() {
    with_tree(async |app| {
        let deep = "/api/v1/project_groups/org%2Facme%2Fweb%2Fdeep";
        app.send(Request::delete(deep)).await.expect(204);
        assert!(!has_leftovers(&app.export().await));
    });
}

/// Runs a test with alice, who owns `acme` together with bob; carol and dan are members. To alice
/// belong three tokens and an account, so neither she nor `acme` is deleted in one commit.
fn with_owners(test: impl AsyncFnOnce(&TestApp)) {
    run(async {
        let mut app = TestApp::new();
        app.add(small_commits()).await;
        app.add(small_commits()).await;
        app.ready().await;
        app.seed(&["alice", "bob", "carol", "dan"], &[("acme", "alice")]).await;
        for (user, role) in [("bob", "owner"), ("carol", "member"), ("dan", "member")] {
            let member = Request::put(&format!("{ACME}/members/{user}"));
            app.send(member.json(&json!({ "role": role }))).await.expect(201);
        }
        for name in ["desk", "home", "work"] {
            let token = Request::post("/api/v1/users/alice/tokens");
            app.send(token.json(&json!({ "name": name }))).await.expect(201);
        }
        let forge = json!({
            "name": "forge", "api_url": "https://forge.example", "kind": "gitea",
            "auth_kind": "token",
        });
        app.send(Request::post("/api/v1/remote_sources").json(&forge)).await.expect(201);
        link(&app, "alice").await;
        test(&app).await;
    });
}

/// Links the only account at the remote source to a user.
async fn link(app: &TestApp, user: &str) {
    let account = json!({
        "remote_source": "forge", "remote_user_id": "7", "remote_user_name": "seven",
    });
    let path = format!("/api/v1/users/{user}/linked_accounts");
    app.send(Request::post(&path).json(&account)).await.expect(201);
}

async fn members(app: &TestApp) -> Vec<String> {
    let list = app.get(&format!("{ACME}/members")).await.expect(200).json();
    let items = list["items"].as_array().expect("a list has items");
    let name = |member: &Value| member["user"]["name"].as_str().map(str::to_owned);
    items.iter().filter_map(name).collect()
}

async fn orgs_of(app: &TestApp, user: &str) -> usize {
    let list = app.get(&format!("/api/v1/users/{user}/orgs")).await.expect(200).json();
    list["items"].as_array().expect("a list has items").len()
}

#[test]
fn a_user_with_any_number_of_tokens_and_accounts_is_gone_at_once() {
    with_owners(async |app| {
        let alice = format!("/api/v1/users/{}", id(app, "/api/v1/users/alice").await);
        let token = json!({ "name": "more" });
        let made = Request::post("/api/v1/users/alice/tokens").json(&token);
        let value = app.send(made).await.expect(201).json()["value"].clone();
        let resolve = || Request::post("/api/v1/tokens/resolve").json(&json!({ "value": value }));
        app.send(resolve()).await.expect(200);
        app.send(Request::delete("/api/v1/users/alice")).await.expect(204);
        let export = app.export().await;
        assert!(has_leftovers(&export), "alice is deleted in one commit");
        for path in [&*alice, "/api/v1/users/alice", &format!("{alice}/tokens")] {
            assert_eq!(code(app, path).await, "user_not_exist", "{path}");
        }
        app.send(resolve()).await.expect(404);
        assert_eq!(members(app).await, ["bob", "carol", "dan"]);
        let users = app.get("/api/v1/users").await.expect(200);
        assert!(!users.text().contains("alice"), "{}", users.text());
        // Nothing of hers is in the way of another one, and she is no owner any more.
        link(app, "bob").await;
        let last = app.send(Request::delete(&format!("{ACME}/members/bob"))).await.expect(409);
        assert_eq!(last.json()["code"], "last_owner");
        app.send(Request::delete("/api/v1/users/bob")).await.expect(409);
        let again = json!({ "name": "alice" });
        app.send(Request::post("/api/v1/users").json(&again)).await.expect(201);
        assert_eq!(orgs_of(app, "alice").await, 0);
        assert!(has_leftovers(&app.export().await), "the rest was deleted too soon to be seen");
        until(async || !has_leftovers(&app.export().await)).await;
        until(async || metric(app, "drydock_store_deletions_waiting").await == 0).await;
        assert_eq!(app.export().await.matches("\"remote_user_id\"").count(), 1);
    });
}

#[test]
fn an_organization_with_any_number_of_members_is_gone_at_once() {
    with_owners(async |app| {
        let acme = format!("/api/v1/orgs/{}", id(app, ACME).await);
        app.send(Request::delete(ACME)).await.expect(204);
        assert!(has_leftovers(&app.export().await), "acme is deleted in one commit");
        for path in [ACME, &acme, &format!("{acme}/members")] {
            assert_eq!(code(app, path).await, "org_not_exist", "{path}");
        }
        assert_eq!(orgs_of(app, "carol").await, 0);
        assert_eq!(app.get("/api/v1/orgs").await.expect(200).json()["items"], json!([]));
        // It keeps no owner, and its name is free.
        app.send(Request::delete("/api/v1/users/alice")).await.expect(204);
        let body = json!({ "name": "acme", "visibility": "public", "owner": "carol" });
        app.send(Request::post("/api/v1/orgs").json(&body)).await.expect(201);
        assert_eq!(members(app).await, ["carol"]);
        assert!(has_leftovers(&app.export().await), "the rest was deleted too soon to be seen");
        until(async || !has_leftovers(&app.export().await)).await;
        assert_eq!(members(app).await, ["carol"]);
    });
}

#[test]
fn an_export_of_deleted_owners_imports_to_what_users_see() {
    with_owners(async |app| {
        app.send(Request::delete("/api/v1/users/alice")).await.expect(204);
        app.send(Request::delete(ACME)).await.expect(204);
        let export = app.export().await;
        assert!(has_leftovers(&export));
        until(async || !has_leftovers(&app.export().await)).await;
        app.maintenance_on().await;
        app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        app.maintenance_off().await;
        assert!(has_leftovers(&app.export().await), "the import left nothing to delete");
        assert_eq!(code(app, "/api/v1/users/alice").await, "user_not_exist");
        assert_eq!(code(app, ACME).await, "org_not_exist");
        until(async || !has_leftovers(&app.export().await)).await;
        let source = Request::delete("/api/v1/remote_sources/forge");
        app.send(source).await.expect(204);
    });
}
