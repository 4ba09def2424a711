use super::service::TestServer;
use crate::server::gate::GateState;

fn pair(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn refusal(server: &TestServer, line: &str, headers: &str, body: &str) -> String {
    let (method, path) = line.split_once(' ').unwrap();
    let answer = server.ask(method, path, headers, body).await;
    assert!(!answer.body.contains("secret"), "{}", answer.body);
    let (status, code) = answer.error();
    format!("{status} {code}")
}

#[tokio::test(start_paused = true)]
async fn every_refusal_has_our_body() {
    let server = TestServer::start().await;
    for (line, expected) in [
        ("GET /nowhere", "404 route_not_exist"),
        ("GET /api/v1/things/", "404 route_not_exist"),
        ("GET /api/v1/things/@@", "400 invalid_ref"),
        ("GET /api/v1/things/%ff", "400 invalid_ref"),
        ("GET /api/v1/things?x=1", "400 invalid_query"),
        ("GET /api/v1/things?limit=0", "400 invalid_limit"),
        ("PATCH /api/v1/things", "405 method_not_allowed"),
        ("GET /api/v1/panic", "500 internal"),
        ("GET /api/v1/secret", "500 internal"),
        ("GET /api/v1/foreign", "400 bad_request"),
    ] {
        assert_eq!(refusal(&server, line, "", "").await, expected, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_reaches_no_router_is_refused_with_our_body() {
    let server = TestServer::start().await;
    let long = "x".repeat(20_000);
    let many = "X-A: b\r\n".repeat(101);
    let livez = "GET /livez HTTP/1.1\r\n";
    for head in [
        "\0\x01\x02",
        "GET /livez",
        "GET /livez HTTP/3.0",
        "GET /live z HTTP/1.1",
        &format!("GET /{long} HTTP/1.1"),
        &format!("GET /{} HTTP/1.1", "x".repeat(70_000)),
        &format!("{livez}X-A: {long}"),
        &format!("{livez}{many}"),
        &format!("{livez}Bad Name: x"),
        &format!("{livez}no colon"),
        &format!("{livez}Content-Length: -1"),
        &format!("{livez}Content-Length: 1\r\nContent-Length: 2"),
        &format!("{livez}Transfer-Encoding: gzip"),
        "GET /livez HTTP/1.0\r\nTransfer-Encoding: chunked",
    ] {
        let answer = server.raw(&format!("{head}\r\n\r\n")).await;
        let start = &head[..head.len().min(60)];
        assert_eq!(answer.error(), pair(400, "invalid_header"), "{start}");
        assert_eq!(answer.header("connection"), Some("close"), "{start}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_head_behind_good_ones_does_not_spoil_their_answers() {
    let server = TestServer::start().await;
    let good = "GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let bad = "GET /livez HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answers = server.raw(&format!("{good}{good}{bad}")).await.body;
    assert_eq!(answers.matches(" 200 OK").count(), 1, "{answers}");
    assert_eq!(answers.matches(r#"{"live":true}"#).count(), 2, "{answers}");
    assert!(answers.contains(r#"{"code":"invalid_header""#), "{answers}");
}

#[tokio::test(start_paused = true)]
async fn every_bad_deadline_and_a_late_answer_have_our_body() {
    let server = TestServer::start().await;
    let ask = async |path: &str, timeout: &str| {
        let header = format!("Drydock-Timeout-Ms: {timeout}\r\n");
        refusal(&server, &format!("GET /api/v1/{path}"), &header, "").await
    };
    assert_eq!(ask("slow", "50").await, "504 deadline_exceeded");
    for bad in ["0", "x", "-1", ""] {
        assert_eq!(ask("things", bad).await, "400 invalid_header", "{bad}");
    }
}

#[tokio::test]
async fn every_bad_body_has_our_body() {
    let server = TestServer::start().await;
    let json = "Content-Type: application/json\r\n";
    let huge = format!("{{\"name\": \"{}\"}}", "x".repeat(1024 * 1024));
    for (headers, body, expected) in [
        (json, "{", "400 invalid_body"),
        (json, "{\"nme\":1}", "400 invalid_body"),
        ("", "{}", "415 unsupported_media_type"),
        (json, &huge, "413 body_too_large"),
    ] {
        let refused = refusal(&server, "POST /api/v1/things", headers, body).await;
        assert_eq!(refused, expected);
    }
}

#[tokio::test]
async fn a_chunked_body_is_cut_at_the_limit() {
    let server = TestServer::start().await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let answer = server
        .raw(&format!(
            "POST /api/v1/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
            crate::testing::harness::TOKEN,
            chunk.repeat(17)
        ))
        .await;
    assert_eq!(answer.error(), pair(413, "body_too_large"));
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = TestServer::start().await;
    let answer = server.ask("DELETE", "/api/v1/things", "", "").await;
    assert_eq!(answer.header("allow"), Some("get, head, post"));
    assert!(answer.body.contains("GET, HEAD, POST"), "{}", answer.body);
}

#[tokio::test]
async fn the_internal_token_is_needed_for_all_but_health() {
    let server = TestServer::start().await;
    let ask = async |path: &str, authorization: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}\r\n");
        server.raw(&request).await
    };
    for bad in [
        "",
        "Authorization: Bearer wrong\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: Basic a-token-of-the-tests\r\n",
    ] {
        let answer = ask("/api/v1/things", bad).await;
        assert_eq!(answer.error(), pair(401, "unauthorized"), "{bad}");
    }
    for path in ["/livez", "/readyz", "/metrics", "/version"] {
        assert_eq!(ask(path, "").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_gate_closes_everything_but_health_and_what_always_answers() {
    let server = TestServer::start().await;
    for (state, code, ready) in [
        (GateState::Maintenance, "maintenance", 200),
        (GateState::Loading, "not_ready", 503),
        (GateState::Stopping, "not_ready", 503),
    ] {
        server.gate.set(state);
        let answer = server.ask("GET", "/api/v1/things", "", "").await;
        assert_eq!(answer.error(), pair(503, code));
        assert!(answer.header("retry-after").is_some());
        assert_eq!(server.ask("GET", "/readyz", "", "").await.status, ready);
        for (path, status) in [("/livez", 200), ("/metrics", 200), ("/api/v1/always", 204)] {
            assert_eq!(server.ask("GET", path, "", "").await.status, status, "{path}");
        }
    }
}

#[tokio::test]
async fn a_request_id_is_kept_if_it_is_one_and_made_if_not() {
    let server = TestServer::start().await;
    let id = async |header: &str| {
        let answer = server.ask("GET", "/nowhere", header, "").await;
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("X-Request-Id: abc-1\r\n").await, "abc-1");
    for bad in ["", "X-Request-Id: a b\r\n", "X-Request-Id: \r\n"] {
        let made: uuid::Uuid = id(bad).await.parse().unwrap();
        assert_eq!(made.get_version_num(), 7);
    }
    let long = "x".repeat(129);
    assert_ne!(id(&format!("X-Request-Id: {long}\r\n")).await, long);
}

#[tokio::test]
async fn an_answer_has_no_date_and_head_has_no_body() {
    let server = TestServer::start().await;
    let got = server.ask("GET", "/api/v1/things/alice", "", "").await;
    assert_eq!((got.status, got.header("date")), (200, None));
    let head = server.ask("HEAD", "/api/v1/things/alice", "", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("etag"), got.header("etag"));
    let head = server.ask("HEAD", "/nowhere", "", "").await;
    assert_eq!((head.status, head.body.as_str()), (404, ""));
}

#[tokio::test]
async fn metrics_count_by_route_and_status() {
    let server = TestServer::start().await;
    for name in ["alice", "bob"] {
        server.ask("GET", &format!("/api/v1/things/{name}"), "", "").await;
    }
    server.ask("GET", "/nowhere", "", "").await;
    let metrics = server.ask("GET", "/metrics", "", "").await.body;
    let count = |route: &str, status| {
        let labels = format!("{{method=\"GET\",route=\"{route}\",status=\"{status}\"}}");
        format!("drydock_http_requests_total{labels} ")
    };
    for line in [count("/api/v1/things/{ref}", 200) + "2", count("unmatched", 404) + "1"] {
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
}
