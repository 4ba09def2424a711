//! Moving groups and projects about.

use drydock_tests::app::{TestApp, with_app};
use drydock_tests::client::{Exchange, Request};
use insta::assert_snapshot;
use serde_json::json;

async fn group(app: &TestApp, name: &str, parent: &str) -> String {
    let new = json!({ "name": name, "parent": parent });
    app.send(Request::post("/api/v1/project_groups").json(&new)).await.expect(201).field("id")
}

async fn move_group(app: &TestApp, group: &str, parent: &str) -> Exchange {
    let path = format!("/api/v1/project_groups/{}", group.replace('/', "%2F"));
    app.send(Request::put(&path).json(&json!({ "parent": parent }))).await
}

fn with_acme(test: impl AsyncFnOnce(TestApp)) {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        test(app).await;
    });
}

#[test]
fn a_group_moves_with_everything_in_it() {
    with_acme(async |app| {
        group(&app, "web", "org/acme").await;
        let docs = group(&app, "docs", "org/acme/web").await;
        assert_snapshot!("move", move_group(&app, "org/acme/web", "user/alice").await);
        let moved = app.get("/api/v1/project_groups/user%2Falice%2Fweb%2Fdocs").await.expect(200);
        assert_eq!(moved.field("id"), docs);
        assert_eq!(moved.json()["owner"]["kind"], "user");
        app.get("/api/v1/project_groups/org%2Facme%2Fweb").await.expect(404);
    });
}

#[test]
fn a_group_cannot_move_below_itself() {
    with_acme(async |app| {
        group(&app, "web", "org/acme").await;
        group(&app, "docs", "org/acme/web").await;
        let below = move_group(&app, "org/acme/web", "org/acme/web/docs").await;
        assert_snapshot!("move_below_itself", below);
        let into = move_group(&app, "org/acme/web", "org/acme/web").await;
        assert_eq!(into.outcome(), "409 project_group_cycle", "{into}");
    });
}

#[test]
fn two_groups_moved_below_each_other_at_once_make_no_cycle() {
    with_app(async |mut app| {
        app.add(drydock_tests::app::settings()).await;
        app.ready().await;
        app.seed(&["alice"], &[]).await;
        for _ in 0..5 {
            let (one, two) = (group(&app, "one", "user/alice"), group(&app, "two", "user/alice"));
            let (one, two) = (one.await, two.await);
            let below = |of: &str, parent: &str| {
                let path = format!("/api/v1/project_groups/{of}");
                Request::put(&path).json(&json!({ "parent": parent }))
            };
            let (first, second) = tokio::join!(
                app.instance(1).send(below(&one, &two)),
                app.instance(2).send(below(&two, &one))
            );
            let mut outcomes = [first.outcome(), second.outcome()];
            outcomes.sort();
            assert_eq!(outcomes, ["200", "409 project_group_cycle"]);
            let top = if first.status == 200 { two } else { one };
            let path = format!("/api/v1/project_groups/{top}");
            app.send(Request::delete(&path)).await.expect(204);
        }
    });
}

#[test]
fn names_are_free_where_a_group_moves_or_it_stays() {
    with_acme(async |app| {
        group(&app, "web", "org/acme").await;
        group(&app, "web", "user/alice").await;
        let taken = move_group(&app, "org/acme/web", "user/alice").await;
        assert_eq!(taken.outcome(), "409 project_group_already_exists", "{taken}");
        let nowhere = move_group(&app, "org/acme/web", "user/nobody").await;
        assert_eq!(nowhere.outcome(), "404 project_group_not_exist", "{nowhere}");
    });
}

#[test]
fn trees_have_a_greatest_depth_for_creations_and_moves() {
    with_acme(async |app| {
        let mut parent = "org/acme".to_owned();
        for level in 2..=32 {
            group(&app, &format!("level-{level}"), &parent).await;
            parent += &format!("/level-{level}");
        }
        let new = json!({ "name": "deeper", "parent": parent });
        let deeper = app.send(Request::post("/api/v1/project_groups").json(&new)).await;
        assert_snapshot!("create_too_deep", deeper);
        group(&app, "top", "org/acme").await;
        let moved = move_group(&app, "org/acme/level-2", "org/acme/top").await;
        assert_snapshot!("move_too_deep", moved);
        let path = format!("/api/v1/project_groups/{}", parent.replace('/', "%2F"));
        app.get(&path).await.expect(200);
    });
}

#[test]
fn an_export_of_groups_moved_below_younger_ones_is_imported() {
    with_acme(async |app| {
        group(&app, "old", "org/acme").await;
        group(&app, "young", "org/acme").await;
        move_group(&app, "org/acme/old", "org/acme/young").await.expect(200);
        let export = app.export().await;
        app.maintenance_on().await;
        app.send(Request::post("/api/v1/import").body(export.clone())).await.expect(200);
        app.maintenance_off().await;
        let objects = |text: &str| drydock_tests::archive::Export::parse(text).objects;
        assert_eq!(objects(&app.export().await), objects(&export));
        app.get("/api/v1/project_groups/org%2Facme%2Fyoung%2Fold").await.expect(200);
    });
}

#[test]
fn an_import_of_groups_in_a_circle_or_nowhere_is_refused() {
    with_acme(async |app| {
        let one = group(&app, "one", "org/acme").await;
        let two = group(&app, "two", "org/acme/one").await;
        let export = drydock_tests::archive::Export::parse(&app.export().await);
        let root = app.get("/api/v1/project_groups/org%2Facme").await.field("id");
        app.maintenance_on().await;
        for (from, to) in [(&root, &two), (&root, &one)] {
            let mut circle = export.clone();
            let line = circle.objects.iter_mut().find(|line| line.contains("\"name\":\"one\""));
            let line = line.unwrap();
            *line =
                line.replace(&format!("\"parent\":\"{from}\""), &format!("\"parent\":\"{to}\""));
            let refused = app.send(Request::post("/api/v1/import").body(circle.seal())).await;
            assert_eq!(refused.outcome(), "422 import_constraint", "{refused}");
        }
        let mut orphan = export;
        orphan.objects.retain(|line| !line.contains("\"name\":\"one\""));
        let refused = app.send(Request::post("/api/v1/import").body(orphan.seal())).await;
        assert_snapshot!("import_dangling_group", refused.without_request());
    });
}
