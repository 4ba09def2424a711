//! What curl would see: requests and answers as texts, over TCP.

use drydock::config::tokens;
use drydock_backends::tcp::TcpNet;
use drydock_core::net::{BoxStream, Net};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::harness::{Installation, Running, soon};

async fn connect(running: &Running) -> BoxStream {
    TcpNet.dial(&running.address).await.unwrap()
}

async fn rest(mut stream: BoxStream) -> String {
    let mut text = String::new();
    soon().run(stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

/// Head of a request with the token, without its last empty line.
fn head(installation: &Installation, request: &str) -> String {
    let token = tokens::read(&installation.data()).unwrap().internal;
    format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\n"
    )
}

async fn ask(installation: &Installation, running: &Running, request: &str, body: &str) -> String {
    let mut stream = connect(running).await;
    let head = head(installation, request);
    let length = body.len();
    let text =
        format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
    rest(stream).await
}

#[tokio::test]
async fn a_write_in_maintenance_answers_503_with_code_and_retry_after() {
    let installation = Installation::new();
    let running = installation.start().await;
    let users = "POST /api/v1/users";
    let created = ask(&installation, &running, users, r#"{"name":"alice"}"#).await;
    assert!(created.starts_with("HTTP/1.1 201 Created\r\n"), "{created}");
    let on = "PUT /api/v1/maintenance?wait=10s";
    let on = ask(&installation, &running, on, "{}").await;
    assert!(on.starts_with("HTTP/1.1 200 OK\r\n") && on.contains(r#""ready":true"#), "{on}");

    let refused = ask(&installation, &running, users, r#"{"name":"bob"}"#).await;
    assert!(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(refused.contains(r#""code":"maintenance""#), "{refused}");

    let off = "DELETE /api/v1/maintenance?wait=10s";
    let off = ask(&installation, &running, off, "").await;
    assert!(off.starts_with("HTTP/1.1 204 No Content\r\n"), "{off}");
    let list = ask(&installation, &running, "GET /api/v1/users", "").await;
    assert!(list.contains(r#""name":"alice""#) && !list.contains("bob"), "{list}");
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_sigterm_ends_the_process() {
    let installation = Installation::new();
    let running = installation.start().await;
    let mut stream = connect(&running).await;
    // 100-continue tells that the handler reads: the request is in flight.
    let head = head(&installation, "POST /api/v1/users");
    let body = r#"{"name":"alice"}"#;
    let length = body.len();
    let text = format!(
        "{head}Content-Type: application/json\r\nExpect: 100-continue\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut reads = [0; 25];
    soon().run(stream.read_exact(&mut reads)).await.unwrap().unwrap();
    assert_eq!(&reads, b"HTTP/1.1 100 Continue\r\n\r\n");
    running.signal("TERM");
    stopped_listening(&running).await;
    stream.write_all(body.as_bytes()).await.unwrap();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert_eq!(running.end().await, Some(0));
}

/// The signal has been heard.
async fn stopped_listening(running: &Running) {
    let ctx = soon();
    while TcpNet.dial(&running.address).await.is_ok() {
        ctx.check().expect("it stops listening");
        tokio::task::yield_now().await;
    }
}
