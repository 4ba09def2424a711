//! What the server bounds, whatever the route.

use std::time::Duration;

use drydock_http::testing::wire::Wire;
use drydock_tests::app::{TOKEN, TestApp, settings, with_app};
use drydock_tests::client::Request;
use drydock_tests::faulty::Trouble;
use drydock_tests::run::{run, until};
use insta::assert_snapshot;
use serde_json::json;
use tokio::io::AsyncReadExt;

fn wire(app: &TestApp) -> Wire {
    let client = app.client();
    Wire { net: client.net.clone(), address: client.address.clone(), token: TOKEN.to_owned() }
}

#[test]
fn a_body_above_the_limit_answers_413_declared_or_not() {
    with_app(async |app| {
        let body = format!(r#"{{"name":"{}"}}"#, "x".repeat(1024 * 1024));
        let post = Request::post("/api/v1/users").header("content-type", "application/json");
        let declared = app.send(post.body(body.clone())).await;
        assert_snapshot!("body_too_large", declared);
        let chunked = format!(
            "POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        let answer = wire(&app).raw(&chunked).await;
        assert_eq!(answer.error(), (413, "body_too_large".to_owned()));
    });
}

#[test]
fn a_body_that_is_no_json_answers_400() {
    with_app(async |app| {
        let post =
            || Request::post("/api/v1/users").header("content-type", "application/json; v=1");
        assert_snapshot!("body_cut", app.send(post().body(r#"{"name": "al"#)).await);
        assert_snapshot!("body_empty", app.send(post()).await);
        assert_snapshot!("body_list", app.send(post().body("[1]")).await);
        assert_snapshot!("body_trailing", app.send(post().body(r#"{"name":"al"} x"#)).await);
        let binary = app.send(post().body(&b"{\"name\": \"\xff\xfe\"}"[..])).await;
        assert_eq!(binary.outcome(), "400 invalid_body");
    });
}

#[test]
fn a_body_of_another_type_answers_415() {
    with_app(async |app| {
        let post = || Request::post("/api/v1/users").body(r#"{"name": "alice"}"#);
        assert_snapshot!("body_without_type", app.send(post()).await);
        let text = post().header("content-type", "text/plain");
        assert_snapshot!("body_of_text", app.send(text).await);
    });
}

#[test]
fn a_body_that_ends_early_answers_400() {
    with_app(async |app| {
        let chunked = format!(
            "POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n\r\nno chunk\r\n"
        );
        let answer = wire(&app).raw(&chunked).await;
        assert_eq!(answer.error(), (400, "invalid_body".to_owned()));
        app.maintenance_on().await;
        let import = chunked.replace("/api/v1/users", "/api/v1/import");
        let (status, code) = wire(&app).raw(&import).await.error();
        assert_snapshot!("import_cut", format!("POST /api/v1/import {status} {code}"));
    });
}

#[test]
fn unknown_routes_and_methods_have_our_errors() {
    with_app(async |app| {
        assert_snapshot!("route_unknown", app.get("/api/v1/nothing").await);
        assert_snapshot!("route_root", app.send(Request::get("/").anonymous()).await);
        let post = Request::post("/api/v1/users/alice");
        assert_snapshot!("method_wrong", app.send(post).await);
        app.get("/api/v1/users/").await.expect(404);
    });
}

#[test]
fn a_token_is_needed_and_must_be_the_right_one() {
    with_app(async |app| {
        let get = || Request::get("/api/v1/users");
        assert_snapshot!("token_missing", app.send(get().anonymous()).await);
        let with = |value: &str| app.send(get().header("authorization", value));
        let wrong = "Bearer something-else";
        assert_snapshot!("token_wrong", with(wrong).await);
        for value in ["", "Bearer", "Bearer ", &format!("Basic {TOKEN}"), TOKEN] {
            assert_eq!(with(value).await.outcome(), "401 unauthorized", "{value}");
        }
        with(&format!("bearer {TOKEN}")).await.expect(200);
    });
}

#[test]
fn a_deadline_that_passes_answers_504() {
    with_app(async |app| {
        app.coordination.trouble.set(Trouble::Silent);
        let read = Request::get("/api/v1/users").header("drydock-timeout-ms", "50");
        assert_snapshot!("deadline_of_a_read", app.send(read).await);
        let write = Request::post("/api/v1/users").header("drydock-timeout-ms", "50");
        let write = write.json(&json!({ "name": "alice" }));
        assert_snapshot!("deadline_of_a_write", app.send(write).await);
        let never = Request::get("/api/v1/users").header("drydock-timeout-ms", "0");
        assert_snapshot!("deadline_malformed", app.send(never).await);
    });
}

#[test]
fn requests_above_the_cap_answer_429_and_health_goes_on() {
    run(async {
        let mut app = TestApp::new();
        let mut few = settings();
        few.http.max_concurrent_requests = 1;
        app.add(few).await;
        app.ready().await;
        app.coordination.trouble.set(Trouble::Silent);
        let client = app.client().clone();
        let waiting = tokio::spawn(async move { client.send(Request::get("/api/v1/users")).await });
        until(async || app.coordination.trouble.somebody_waits()).await;
        assert_snapshot!("too_many_requests", app.get("/api/v1/orgs").await);
        app.get("/livez").await.expect(200);
        waiting.abort();
        app.coordination.trouble.set(Trouble::None);
        until(async || app.get("/api/v1/orgs").await.status == 200).await;
    });
}

#[test]
fn a_request_id_is_echoed_or_made() {
    with_app(async |app| {
        let own = Request::get("/livez").header("x-request-id", "my-id_1");
        assert_snapshot!("request_id_own", app.send(own).await);
        let unusable = Request::get("/livez").header("x-request-id", "no good");
        assert_snapshot!("request_id_made", app.send(unusable).await);
    });
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    with_app(async |app| {
        let client = app.client();
        let mut silent = client.net.dial(&client.address).await.unwrap();
        let mut byte = [0];
        let read = silent.read(&mut byte);
        let read = tokio::time::timeout(Duration::from_secs(11), read).await;
        assert_eq!(read.expect("it is closed in time").unwrap(), 0);
    });
}
