//! Answers of the gateway that take more than one request.

use drydock_tests::app::TestApp;
use drydock_tests::archive::Export;
use drydock_tests::client::Request;
use drydock_tests::gateway::{Face, Who, small_world};
use drydock_tests::run::run;
use insta::assert_snapshot;
use serde_json::json;

use crate::coverage::fits;
use crate::every_route::Table;

/// Sends requests one after the other as an administrator; those that are `shown` are rows.
struct Story {
    app: TestApp,
    face: Face,
    table: Table,
}

/// The table of what a story shows, in a small world of its own.
fn story(tell: impl AsyncFnOnce(&mut Story)) -> String {
    run(async {
        let (app, face) = small_world().await;
        let mut story = Story { app, face, table: Table::default() };
        tell(&mut story).await;
        story.table.text()
    })
}

impl Story {
    async fn show(&mut self, who: Who, request: Request) {
        let answer = self.face.send(who, request).await;
        let path = answer.request.path.split('?').next().unwrap_or_default();
        let rows = drydock_gateway::requirements().into_iter();
        let mut rows = rows.map(|(spec, _)| spec);
        let row = rows.find(|it| it.method == answer.request.method && fits(it.path, path));
        self.table.add(&row.expect("it is a row's"), &answer);
    }

    async fn shown(&mut self, request: Request) {
        self.show(Who::AdminToken, request).await;
    }

    async fn done(&self, request: Request) -> String {
        let answer = self.face.send(Who::AdminToken, request).await;
        assert!(answer.status.is_success(), "{answer}");
        answer.text().to_owned()
    }
}

#[test]
fn what_belongs_to_users() {
    let table = story(async |story| {
        let accounts = "/api/v1/users/alice/linked_accounts";
        let account = json!({
            "remote_source": "forge",
            "remote_user_id": "7",
            "remote_user_name": "alice",
        });
        let made = story.done(Request::post(accounts).json(&account)).await;
        let made: serde_json::Value = serde_json::from_str(&made).expect("it is an account");
        let one = format!("{accounts}/{}", made["id"].as_str().expect("it has an id"));
        story.shown(Request::delete(&one).header("if-match", "\"stale\"")).await;
        story.shown(Request::delete("/api/v1/remote_sources/forge")).await;
        story.shown(Request::delete(&one)).await;
        story.shown(Request::delete("/api/v1/users/olga")).await;
        let lowered = Request::put("/api/v1/orgs/acme/members/alice");
        story.shown(lowered.json(&json!({ "role": "member" }))).await;
        story.shown(Request::get("/api/v1/orgs/acme/members/root-user")).await;
        story.shown(Request::delete("/api/v1/orgs/acme/members/root-user")).await;
    });
    assert_snapshot!("of_users", table);
}

#[test]
fn how_deep_groups_are_and_what_roots_are() {
    let table = story(async |story| {
        let mut parent = "org/acme".to_owned();
        // The root is the first of 32.
        for _ in 1..32 {
            let group = json!({ "name": "down", "parent": parent });
            story.done(Request::post("/api/v1/project_groups").json(&group)).await;
            parent += "/down";
        }
        let group = json!({ "name": "down", "parent": parent });
        story.shown(Request::post("/api/v1/project_groups").json(&group)).await;
        let moved = Request::put("/api/v1/project_groups/org%2Facme%2Fopen");
        story.shown(moved.json(&json!({ "parent": parent }))).await;
        let root = Request::put("/api/v1/project_groups/org%2Facme");
        story.shown(root.json(&json!({ "name": "root" }))).await;
    });
    assert_snapshot!("of_groups", table);
}

/// Another export than it was: with one text replaced, and sealed again.
fn altered(export: &str, from: &str, to: &str) -> String {
    let mut export = Export::parse(export);
    export.header = export.header.replacen(from, to, 1);
    for object in &mut export.objects {
        *object = object.replacen(from, to, 1);
    }
    export.seal()
}

#[test]
fn what_operators_are_told_of_imports() {
    let table = story(async |story| {
        let export = story.app.export().await;
        let import = || Request::post("/api/v1/import/configstore");
        story.done(Request::put("/api/v1/maintenance/configstore?wait=30s")).await;
        story.shown(import().body(export[..export.len() / 2].to_owned())).await;
        for (from, to) in [
            ("\"service\":\"configstore\"", "\"service\":\"runservice\""),
            ("\"type\":\"orgs\"", "\"type\":\"oddities\""),
            ("\"key\":\"blake3:", "\"key\":\"blake4:"),
            ("\"name\":\"olga\"", "\"name\":\"mike\""),
        ] {
            let other = altered(&export, from, to);
            assert_ne!(other, export, "there is no {from}");
            story.shown(import().body(other)).await;
        }
        story.shown(import().body(export)).await;
        let kept = story.done(Request::get("/api/v1/lineages/configstore")).await;
        let kept: serde_json::Value = serde_json::from_str(&kept).expect("they are a list");
        let first = kept["items"][0]["id"].as_str().expect("it has an id").to_owned();
        let back = format!("/api/v1/lineages/configstore/{first}/restore");
        story.shown(Request::post(&back)).await;
    });
    assert_snapshot!("of_imports", table);
}
