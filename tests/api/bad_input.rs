//! Whatever is sent to whatever route: an answer that the document lists, never a 500, never a
//! panic, always our JSON. The service is whole afterwards.

use std::collections::{BTreeMap, BTreeSet};

use drydock_http::api::endpoint::{BodyRule, Endpoint, Spec};
use drydock_http::api::error_body::status_of;
use drydock_tests::app::with_app;
use drydock_tests::client::{Client, Request};
use drydock_tests::endpoints;
use http::Method;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use crate::every_route;

/// Requests for each method of each path.
pub const PER_ROUTE: u32 = 48;

/// What is sent to a route.
#[derive(Debug, Clone)]
pub struct Attempt {
    segments: Vec<String>,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Instead of `body`: a value for one of the fields of a body that would do.
    spoiled: Option<(usize, String)>,
    /// Whether the path leads to what is there.
    exists: bool,
}

/// Part of a path, percent-encoded or cut in every odd way that a URI can hold.
fn segment() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "..",
        ".",
        "%2e%2e",
        "%2F",
        "%2f%2F",
        "a%2Fb",
        "%00",
        "%ff",
        "%C3%28",
        "%zz",
        "%",
        "%2",
        "%25",
        "alice%20",
        "org%2Facme",
        "user%2Falice%2F",
        "org%2Facme%2Fweb%2Fsite",
        "acme",
        "alice",
        "forge",
        "deploy",
        "password",
        "laptop",
        "org%2Facme%2F..%2Fweb",
        "{user}",
        "*",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "-1",
        "''",
        "%F0%9F%92%A9",
        "1%27%3B--",
        "a%0d%0ab",
        "%E2%80%AE",
        "~",
        ";",
        "@",
        ":",
        "null",
        "true",
    ]);
    prop_oneof![
        4 => odd.prop_map(str::to_owned),
        1 => "[A-Za-z0-9-]{1,80}",
        1 => "(%[0-9a-fA-F]{2}){1,40}",
    ]
}

fn query() -> impl Strategy<Value = String> {
    let parameter = prop::sample::select(vec![
        "limit=1",
        "limit=100",
        "limit=-1",
        "limit=1e9",
        "limit=99999999999999999999",
        "cursor=00",
        "cursor=7b7d",
        "cursor=%ff",
        "order=desc",
        "order=",
        "consistency=local",
        "tree=true",
        "tree=",
        "branch=%00",
        "branch=main",
        "fork=true",
        "fork=1",
        "wait=1ms",
        "wait=-1s",
        "wait=9999999999h",
        "dry_run=true",
        "verbose",
        "limit=1&limit=2",
        "=",
        "&&&",
        "%zz=%zz",
        "a[b]=c",
        "cursor=7b226e223a2261222c2269223a2230227d",
    ]);
    vec(parameter, 0..3).prop_map(|parts| parts.join("&"))
}

fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "null",
        "true",
        "0",
        "-0",
        "1e999",
        "18446744073709551616",
        "-9223372036854775809",
        "\"\"",
        "\"a\"",
        "\"alice\"",
        "\"org/acme\"",
        "\"org/acme/web\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\ud83d\\udca9\"",
        "[]",
        "[[]]",
        "{}",
        "{\"\":{}}",
        "[{\"secret_name\":\"deploy\"}]",
        "[\"deploy\",\"key\"]",
        "{\"key\":\"value\"}",
        "{\"a\":\"b\",\"a\":\"c\"}",
        "\"public\"",
        "\"https://x.example\"",
        "\"gitea\"",
        "\"token\"",
        "\"owner\"",
        "\"../..\"",
        "\"é\"",
        "-1",
        "\"/project/01900000-0000-7000-8000-000000000001\"",
        "\"01900000-0000-7000-8000-000000000001\"",
        "{\"a\":{\"steps\":[]}}",
        "{\"a\":{\"steps\":[],\"depends\":[\"a\"]}}",
        "{\"a\":{\"steps\":[{\"run\":{\"command\":\"\"}}]}}",
        "[{\"exit\":{\"code\":0}}]",
        "[{\"exit\":{\"signal\":{\"signal\":9,\"core\":true}}}]",
        "{\"-1\":{\"size\":-1,\"blake3\":\"\"}}",
        "{\"99\":{\"size\":1,\"blake3\":\"00\",\"object\":\"../x\"}}",
        "\"success\"",
        "\"stopped\"",
        "\"failed\"",
        "\"timeout\"",
    ])
}

/// JSON as it could come from anywhere: deep, large, doubled, mistyped, cut, or none at all.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::sample::select(vec![
        "name",
        "admin",
        "visibility",
        "owner",
        "role",
        "parent",
        "data",
        "values",
        "value",
        "api_url",
        "kind",
        "auth_kind",
        "remote_source",
        "remote_user_id",
        "remote_user_name",
        "default_branch",
        "repository_path",
        "members_can_run",
        "reason",
        "id",
        "project",
        "group",
        "tasks",
        "environment",
        "annotations",
        "priority",
        "restart_of",
        "from",
        "approver",
        "labels",
        "session",
        "limit",
        "held",
        "asked",
        "claim",
        "phase",
        "steps",
        "logs",
        "archives",
        "__proto__",
        "",
    ]);
    let object = vec((key, value()), 0..6).prop_map(|fields| {
        let fields: Vec<_> =
            fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", fields.join(",")).into_bytes()
    });
    let deep = (1_usize..2000).prop_map(|depth| {
        format!("{}{}", "{\"name\":".repeat(depth), "[".repeat(depth)).into_bytes()
    });
    prop_oneof![
        6 => object,
        1 => deep,
        1 => vec(any::<u8>(), 0..64),
        1 => Just(b"\xef\xbb\xbf{}".to_vec()),
        1 => Just(b"{\"name\":\"\xff\xfe\"}".to_vec()),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let header = prop::sample::select(vec![
        ("content-type", "text/plain"),
        ("content-type", "application/json;charset=utf-16"),
        ("if-match", "\"1\""),
        ("if-match", "*, \"1\""),
        ("if-match", "W/\"1\""),
        ("if-match", "1"),
        ("idempotency-key", "one"),
        ("idempotency-key", "two words"),
        ("drydock-timeout-ms", "0"),
        ("drydock-timeout-ms", "4294967295"),
        ("drydock-timeout-ms", "99999999999999"),
        ("x-request-id", "a b"),
        ("traceparent", "00-00-00-00"),
        ("content-encoding", "zstd"),
        ("content-encoding", "br"),
        ("accept", "text/html"),
        ("expect", "nothing"),
        ("authorization", "Bearer"),
        ("authorization", "Basic YTpi"),
        ("range", "bytes=0-1"),
        ("x-requested-by", "\u{7f}"),
    ]);
    let given = vec(header, 0..3);
    given.prop_map(|all| all.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
}

pub fn attempt() -> impl Strategy<Value = Attempt> {
    let path = (vec(segment(), 3), any::<bool>());
    let spoiled = prop::option::of((0_usize..8, value().prop_map(str::to_owned)));
    (path, query(), headers(), body(), spoiled).prop_map(
        |((segments, exists), query, headers, body, spoiled)| Attempt {
            segments,
            query,
            headers,
            body,
            spoiled,
            exists,
        },
    )
}

/// `path` and `body` are what would do.
pub fn request(spec: &Spec, attempt: &Attempt, path: String, body: &Value) -> Request {
    let mut segments = attempt.segments.iter();
    let parts = spec.path.split('/').map(|part| match part.starts_with('{') {
        true => segments.next().map_or("x", String::as_str),
        false => part,
    });
    let mut path = match attempt.exists {
        true => path,
        false => parts.collect::<Vec<_>>().join("/"),
    };
    if !attempt.query.is_empty() {
        path = format!("{path}?{}", attempt.query);
    }
    let mut request = Request::new(spec.method.clone(), &path);
    let typed = attempt.headers.iter().any(|(name, _)| name == "content-type");
    if !typed && spec.body == BodyRule::Small {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in &attempt.headers {
        request = request.header(name, value);
    }
    match &attempt.spoiled {
        Some((nth, value)) => request.body(spoil(body, *nth, value)),
        None => request.body(attempt.body.clone()),
    }
}

/// The object with another value in one field, if it has so many.
fn spoil(object: &Value, nth: usize, value: &str) -> String {
    let fields = object.as_object().into_iter().flatten().enumerate();
    let fields = fields.map(|(at, (key, old))| match at == nth {
        true => format!("\"{key}\":{value}"),
        false => format!("\"{key}\":{old}"),
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// Answers the status, if there was an answer.
pub async fn check(client: &Client, request: Request, listed: &BTreeSet<u16>) -> Option<u16> {
    let answer = client.try_send(request.clone()).await;
    let Ok(answer) = answer else {
        // The client's own library refuses what is no URI or header.
        let bare = Request::get("/livez");
        client.send(bare).await.expect(200);
        return None;
    };
    let status = answer.status.as_u16();
    assert_ne!(status, 500, "{answer}");
    if status >= 400 {
        // Checks that it is our JSON.
        let outcome = answer.outcome();
        let elsewhere = outcome.ends_with("route_not_exist") || status == 405;
        assert!(elsewhere || listed.contains(&status), "not in the document: {answer}");
    }
    Some(status)
}

/// The statuses of the errors that the document lists for a route.
pub fn statuses(route: &Endpoint) -> BTreeSet<u16> {
    route.codes().iter().map(|code| status_of(code.kind()).as_u16()).collect()
}

/// Draws the same attempts in every run.
pub fn runner() -> TestRunner {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(Config::default(), rng)
}

#[test]
fn whatever_is_sent_gets_an_answer_that_the_document_lists() {
    let mut runner = runner();
    let mut seen = BTreeMap::new();
    for route in endpoints::configstore() {
        let spec = &route.spec;
        // They would take the service out of its normal mode.
        if spec.path.ends_with("/maintenance") && spec.method != Method::GET {
            continue;
        }
        let listed = statuses(&route);
        with_app(async |app| {
            app.seed(&["alice"], &[("acme", "alice")]).await;
            app.seed_tree().await;
            for _ in 0..PER_ROUTE {
                let tree = attempt().new_tree(&mut runner).expect("nothing is filtered out");
                let (path, body) = (every_route::path(spec), every_route::body(spec));
                let request = request(spec, &tree.current(), path, &body);
                let status = check(app.client(), request, &listed).await;
                *seen.entry(status.unwrap_or(0)).or_insert(0) += 1;
            }
            app.get("/api/v1/maintenance").await.expect(200);
            app.export().await;
        });
    }
    for status in [200, 201, 204, 400, 401, 404, 409, 412, 415] {
        assert!(seen.contains_key(&status), "nothing was answered {status}: {seen:?}");
    }
}
