//! What HTTP promises to clients that know nothing of Drydock: conditional reads, merges, cursors,
//! challenges, repeated answers.

use drydock_tests::app::{TestApp, with_app};
use drydock_tests::client::{Exchange, Request};
use drydock_tests::gateway::{Who, small_world};
use drydock_tests::run::run;
use http::Method;
use serde_json::{Value, json};

const ALICE: &str = "/api/v1/users/alice";

async fn with_tag(app: &TestApp, path: &str, known: &str) -> Exchange {
    app.send(Request::get(path).header("if-none-match", known)).await
}

#[test]
fn a_client_that_knows_the_state_gets_304() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        for path in [
            ALICE,
            "/api/v1/orgs/acme",
            "/api/v1/orgs/acme/members/alice",
            "/api/v1/project_groups/org%2Facme%2Fweb",
            "/api/v1/projects/org%2Facme%2Fweb%2Fsite",
            "/api/v1/projects/org%2Facme%2Fweb%2Fsite/secrets/deploy",
            "/api/v1/remote_sources/forge",
        ] {
            let tag = app.get(path).await.expect(200);
            let tag = tag.header("etag").expect("objects have tags").to_owned();
            for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".into()] {
                let same = with_tag(&app, path, &known).await.expect(304);
                assert!(same.body.is_empty(), "{path}");
                assert_eq!(same.header("etag"), Some(&*tag), "{path}");
                assert_eq!(same.header("content-type"), None, "{path}");
            }
            with_tag(&app, path, "\"another\"").await.expect(200);
            with_tag(&app, path, "no tag").await.expect(200);
        }
        // A change is seen.
        let tag = app.get(ALICE).await.header("etag").expect("a tag").to_owned();
        let admin = Request::put(ALICE).json(&json!({ "admin": true }));
        app.send(admin).await.expect(200);
        with_tag(&app, ALICE, &tag).await.expect(200);
        // What changes something takes no notice.
        let create = Request::post("/api/v1/users").json(&json!({ "name": "bob" }));
        app.send(create.header("if-none-match", "*")).await.expect(201);
    });
}

fn as_patch(method: Method, path: &str, body: &Value) -> Request {
    let request = Request::new(method, path).body(body.to_string());
    request.header("content-type", "application/merge-patch+json")
}

#[test]
fn a_patch_is_merged_into_the_object() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        let site = "/api/v1/projects/org%2Facme%2Fweb%2Fsite";
        let before = app.get(site).await.expect(200);
        let tag = before.header("etag").expect("a tag").to_owned();
        let patch = |body: &Value| Request::new(Method::PATCH, site).json(body);
        let stale = patch(&json!({ "members_can_run": true })).header("if-match", "\"0-0\"");
        app.send(stale).await.expect(412);
        let merge = json!({ "members_can_run": true, "repository_path": null });
        let merge = as_patch(Method::PATCH, site, &merge);
        let after = app.send(merge.header("if-match", &tag)).await.expect(200);
        let (mut expected, after) = (before.json(), after.json());
        expected["members_can_run"] = json!(true);
        expected.as_object_mut().expect("an object").remove("repository_path");
        for field in ["revision", "updated_at"] {
            expected[field] = after[field].clone();
        }
        assert_eq!(after, expected);
        app.send(Request::put(site).json(&json!({}))).await.expect(200);
        app.send(as_patch(Method::PUT, site, &json!({}))).await.expect(415);
        let list = app.send(Request::new(Method::PATCH, "/api/v1/users")).await.expect(405);
        assert_eq!(list.header("allow"), Some("GET, HEAD, POST"));
    });
}

#[test]
fn a_cursor_belongs_to_its_list_filter_and_order() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[("acme", "alice"), ("beta", "alice")]).await;
        let first = app.get("/api/v1/users?limit=1").await.expect(200).json();
        let cursor = first["next_cursor"].as_str().expect("there is another page").to_owned();
        let next = app.get(&format!("/api/v1/users?limit=5&cursor={cursor}")).await.expect(200);
        assert_eq!(next.json()["items"][0]["name"], "bob");
        for elsewhere in [
            format!("/api/v1/users?order=desc&cursor={cursor}"),
            format!("/api/v1/orgs?cursor={cursor}"),
            format!("/api/v1/users/alice/orgs?cursor={cursor}"),
            format!("/api/v1/users/alice/tokens?cursor={cursor}"),
        ] {
            let refused = app.get(&elsewhere).await;
            assert_eq!(refused.outcome(), "400 invalid_cursor", "{elsewhere}");
        }
        let of_alice = app.get("/api/v1/users/alice/orgs?limit=1").await.expect(200).json();
        let cursor = of_alice["next_cursor"].as_str().expect("there is another page");
        let refused = app.get(&format!("/api/v1/users/bob/orgs?cursor={cursor}")).await;
        assert_eq!(refused.outcome(), "400 invalid_cursor");
    });
}

#[test]
fn a_caller_without_a_token_is_told_how_to_authenticate() {
    run(async {
        let (app, face) = small_world().await;
        let configstore = app.send(Request::get("/api/v1/users").anonymous()).await.expect(401);
        assert_eq!(configstore.header("www-authenticate"), Some("Bearer"));
        let gateway = face.get(Who::Nobody, "/api/v1/users").await.expect(401);
        assert_eq!(gateway.header("www-authenticate"), Some("Bearer"));
    });
}

#[test]
fn an_answer_that_is_repeated_says_so() {
    with_app(async |app| {
        let alice = Request::post("/api/v1/users").json(&json!({ "name": "alice" }));
        let alice = alice.header("idempotency-key", "a");
        let first = app.send(alice.clone()).await.expect(201);
        assert_eq!(first.header("idempotency-replayed"), None);
        let again = app.send(alice).await.expect(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    });
}
