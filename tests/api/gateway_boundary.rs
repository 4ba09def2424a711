//! What stands between the gateway's callers and the services behind: mistakes, maintenance,
//! absence, slowness.

use std::time::Duration;

use drydock_core::net::Net;
use drydock_gateway::Requirement;
use drydock_http::api::endpoint::{BodyRule, Spec};
use drydock_tests::app::{TOKEN, TestApp};
use drydock_tests::client::{Exchange, Request};
use drydock_tests::endpoints;
use drydock_tests::faulty::Trouble;
use drydock_tests::gateway::{Face, Who, small_world, with_gateway};
use drydock_tests::run::{run, until};
use http::Method;
use insta::assert_snapshot;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::gateway_permissions::{path, request};

fn rows() -> Vec<(Spec, Requirement)> {
    drydock_gateway::requirements()
}

/// Asks every row in one small world: no answer may be a success, so nothing changes.
async fn ask_all(who: Who, face: &Face) -> Vec<(Spec, String)> {
    let mut outcomes = Vec::new();
    for (spec, requirement) in rows() {
        if requirement == Requirement::AdminToken && who == Who::AdminToken {
            continue;
        }
        let answer = face.send(who, request(&spec, "new")).await;
        outcomes.push((spec, answer.outcome()));
    }
    outcomes
}

#[test]
fn every_row_while_configstore_is_in_maintenance() {
    run(async {
        let (app, face) = small_world().await;
        app.maintenance_on().await;
        for who in [Who::Forger, Who::Outsider, Who::Owner, Who::AdminUser, Who::AdminToken] {
            for (spec, outcome) in ask_all(who, &face).await {
                let expected = "503 maintenance, retry after 1 s";
                // That the admin token is nobody's does not depend on configstore.
                let me = who == Who::AdminToken && spec.path == "/api/v1/user";
                let expected = if me { "403 forbidden" } else { expected };
                assert_eq!(outcome, expected, "{} {} for {who:?}", spec.method, spec.path);
            }
        }
        let nobody = face.get(Who::Nobody, "/api/v1/orgs").await;
        assert_eq!(nobody.outcome(), "401 unauthorized");
        let refused = face.get(Who::Owner, "/api/v1/orgs/acme").await;
        assert_snapshot!("in_maintenance", refused);
    });
}

#[test]
fn every_row_while_configstore_is_away() {
    run(async {
        let (app, face) = small_world().await;
        app.stop(1);
        until(async || app.client().try_send(Request::get("/livez")).await.is_err()).await;
        for who in [Who::Owner, Who::AdminToken] {
            for (spec, outcome) in ask_all(who, &face).await {
                let me = who == Who::AdminToken && spec.path == "/api/v1/user";
                let expected =
                    if me { "403 forbidden" } else { "503 unavailable, retry after 1 s" };
                assert_eq!(outcome, expected, "{} {} for {who:?}", spec.method, spec.path);
            }
        }
        let status = face.get(Who::AdminToken, "/api/v1/maintenance/configstore").await;
        assert_snapshot!("away", status);
        face.get(Who::Nobody, "/readyz").await.expect(200);
    });
}

#[test]
fn a_slow_configstore_is_waited_for_no_longer_than_the_deadline() {
    with_gateway(async |app, face| {
        app.coordination.trouble.set(Trouble::Silent);
        let begun = tokio::time::Instant::now();
        let hurried = Request::get("/api/v1/orgs/acme").header("drydock-timeout-ms", "250");
        assert_snapshot!("slow", face.send(Who::AdminToken, hurried).await);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        app.coordination.trouble.set(Trouble::None);
        face.get(Who::AdminToken, "/api/v1/orgs/acme").await.expect(200);
    });
}

#[test]
fn configstore_without_coordination_is_unavailable_and_says_no_more() {
    with_gateway(async |app, face| {
        app.coordination.trouble.set(Trouble::Refused);
        assert_snapshot!("without_coordination", face.get(Who::Owner, "/api/v1/orgs/acme").await);
    });
}

#[test]
fn every_path_with_a_wrong_method_names_those_it_allows() {
    run(async {
        let (_app, face) = small_world().await;
        endpoints::refuse_wrong_methods(&face.client, endpoints::gateway()).await;
        face.get(Who::Owner, "/api/v1/nothing").await.expect(404);
    });
}

fn bare(spec: &Spec) -> Request {
    Request::new(spec.method.clone(), &path(spec))
}

#[test]
fn every_row_that_takes_json_refuses_what_is_none() {
    run(async {
        let (_app, face) = small_world().await;
        let json_rows = rows().into_iter().filter(|(spec, _)| spec.body == BodyRule::Small);
        let ask = async |request: Request| face.send(Who::AdminToken, request).await;
        for (spec, _) in json_rows {
            let json = || bare(&spec).header("content-type", "application/json");
            for (body, outcome) in [
                ("{", "400 invalid_body"),
                ("", "400 invalid_body"),
                ("[]", "400 invalid_body"),
                (r#"{"surely_unknown": 1}"#, "400 invalid_body"),
                (&"x".repeat((1 << 20) + 1), "413 body_too_large"),
            ] {
                let answer = ask(json().body(body.to_owned())).await;
                assert_eq!(answer.outcome(), outcome, "{} {}", spec.method, spec.path);
            }
            let text = ask(bare(&spec).header("content-type", "text/plain").body("{}")).await;
            assert_eq!(text.outcome(), "415 unsupported_media_type", "{}", spec.path);
        }
    });
}

#[test]
fn every_row_refuses_references_and_queries_that_are_none() {
    run(async {
        let (_app, face) = small_world().await;
        for (spec, requirement) in rows() {
            if spec.path.contains('{') {
                let mut bad = request(&spec, "new");
                bad.path = spec.path.split('/').map(unref).collect::<Vec<_>>().join("/");
                let answer = face.send(Who::AdminToken, bad).await;
                assert_eq!(answer.outcome(), "400 invalid_ref", "{answer}");
            }
            if spec.method == Method::GET {
                let mut bad = request(&spec, "new");
                bad.path += "?surely_unknown=1";
                let answer = face.send(Who::AdminUser, bad).await;
                let operators = matches!(requirement, Requirement::AdminToken);
                let expected = if operators { "403 forbidden" } else { "400 invalid_query" };
                assert_eq!(answer.outcome(), expected, "{answer}");
            }
        }
        for (query, code) in [
            ("limit=0", "invalid_limit"),
            ("cursor=x", "invalid_cursor"),
            ("order=up", "invalid_query"),
        ] {
            let answer = face.get(Who::Owner, &format!("/api/v1/orgs?{query}")).await;
            assert_eq!(answer.outcome(), format!("400 {code}"));
        }
    });
}

fn unref(segment: &str) -> &str {
    if segment.starts_with('{') { "@x" } else { segment }
}

/// A refusal of configstore, and what becomes of it.
async fn refused(face: &Face, request: Request) -> Exchange {
    face.send(Who::Owner, request).await
}

#[test]
fn refusals_that_help_are_passed_on_in_the_gateways_words() {
    with_gateway(async |_app, face| {
        let taken = json!({ "name": "acme", "visibility": "public" });
        let taken = Request::post("/api/v1/orgs").json(&taken);
        assert_snapshot!("taken", refused(&face, taken).await);
        let bad = json!({ "name": "-", "visibility": "public" });
        let bad = Request::post("/api/v1/orgs").json(&bad);
        assert_snapshot!("bad_name", refused(&face, bad).await);
        let last = Request::delete("/api/v1/orgs/acme/members/alice");
        assert_snapshot!("last_owner", refused(&face, last).await);
        let below = json!({ "parent": "org/acme/open/open-sub" });
        let below = Request::put("/api/v1/project_groups/org%2Facme%2Fopen").json(&below);
        assert_snapshot!("cycle", refused(&face, below).await);
        let root = Request::delete("/api/v1/project_groups/org%2Facme");
        assert_snapshot!("root", refused(&face, root).await);
        let old = Request::put("/api/v1/orgs/acme").header("if-match", "\"1-0\"");
        let old = old.json(&json!({ "visibility": "private" }));
        assert_snapshot!("outdated", refused(&face, old).await);
        let source = json!({ "remote_source": "nowhere" });
        let source = Request::put("/api/v1/projects/org%2Facme%2Fopen%2Fopen-app").json(&source);
        assert_snapshot!("no_source", refused(&face, source).await);
        let gone = face.send(Who::AdminToken, Request::delete("/api/v1/remote_sources/none")).await;
        assert_snapshot!("nothing_to_delete", gone);
        let owner = face.send(Who::AdminToken, Request::delete("/api/v1/users/alice")).await;
        assert_snapshot!("user_is_last_owner", owner);
    });
}

/// Answers every request with `answer`, and says what the heads of the requests were.
pub async fn stub(
    app: &TestApp,
    answer: impl Into<String>,
) -> (String, mpsc::UnboundedReceiver<String>) {
    let mut listener = app.net().listen("stub:0").await.expect("the address is free");
    let (address, answer) = (listener.local_addr(), answer.into());
    let (heads, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 16 * 1024];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&head[..read]).to_lowercase();
            let _ = heads.send(text);
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, heard)
}

#[test]
fn calls_behind_say_whose_they_are_and_how_long_they_may_take() {
    run(async {
        let app = TestApp::new();
        let (address, mut heard) =
            stub(&app, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        let face = Face::before_address(&app, &address).await;
        let request = Request::get("/api/v1/remote_sources")
            .header("x-request-id", "followed")
            .header("traceparent", "00-1-2-01")
            .header("drydock-timeout-ms", "5000");
        face.send(Who::AdminToken, request).await;
        let head = heard.recv().await.expect("it is asked");
        let (_, left) = head.split_once("drydock-timeout-ms: ").expect("it knows its time");
        let left: u64 = left.lines().next().and_then(|it| it.parse().ok()).expect("a number");
        assert!((4000..=5000).contains(&left), "{head}");
        for line in [
            "x-request-id: followed".to_owned(),
            "traceparent: 00-1-2-01".to_owned(),
            format!("authorization: bearer {TOKEN}"),
        ] {
            assert!(head.lines().any(|sent| sent == line), "{line} in {head}");
        }
    });
}

#[test]
fn what_a_service_says_of_itself_stays_behind_the_gateway() {
    for (answer, outcome) in [
        ("HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n", "500 internal"),
        (
            "HTTP/1.1 409 X\r\ncontent-length: 40\r\n\r\n\
             {\"code\":\"odd\",\"message\":\"the password\"}",
            "409 conflict",
        ),
        ("HTTP/1.1 401 X\r\ncontent-length: 0\r\n\r\n", "500 internal"),
        ("HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n", "503 unavailable, retry after 1 s"),
        ("HTTP/1.1 502 X\r\ncontent-length: 3\r\n\r\nbad", "503 unavailable, retry after 1 s"),
        ("HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\nhalf", "503 unavailable, retry after 1 s"),
        ("rubbish", "503 unavailable, retry after 1 s"),
    ] {
        run(async {
            let app = TestApp::new();
            let (address, _heard) = stub(&app, answer).await;
            let face = Face::before_address(&app, &address).await;
            // Codes that no service of ours has, so that the document cannot know them.
            let shown = face.client.send(Request::get("/api/v1/remote_sources")).await;
            assert_eq!(shown.outcome(), outcome, "{answer}");
            assert!(!shown.text().contains("password"), "{shown}");
        });
    }
}
