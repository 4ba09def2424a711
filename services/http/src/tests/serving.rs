use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::net::{BoxStream, Listener, Net};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::service::TestServer;
use crate::server::{HttpSettings, serve};
use crate::testing::duplex::DuplexNet;
use crate::testing::harness::TOKEN;

const GET_SLOW: &str = "GET /api/v1/slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ";

fn slow_request() -> String {
    format!("{GET_SLOW}{TOKEN}\r\n\r\n")
}

async fn read_to_end(stream: &mut BoxStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends_and_an_idle_connection_are_cut_off() {
    let server = TestServer::start().await;
    for start in ["", "GET /livez HTTP/1.1\r\nHost:"] {
        let mut stream = server.connect().await;
        stream.write_all(start.as_bytes()).await.unwrap();
        let begun = Instant::now();
        read_to_end(&mut stream).await;
        assert_eq!(begun.elapsed().as_secs(), 10, "{start:?}");
    }
    let mut stream = server.connect().await;
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let begun = Instant::now();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(begun.elapsed().as_secs(), 10);
}

/// Sends `more` every second until the server answers; returns the answer and the seconds.
async fn drip(stream: &mut BoxStream, more: &[u8]) -> (String, u64) {
    let begun = Instant::now();
    let mut answer = [0; 4096];
    loop {
        // The server may have closed it: then the answer is there.
        let _ = stream.write_all(more).await;
        if let Ok(read) = timeout(Duration::from_secs(1), stream.read(&mut answer)).await {
            let text = String::from_utf8_lossy(&answer[..read.unwrap()]).into_owned();
            return (text, begun.elapsed().as_secs());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_byte_by_byte_ends_with_the_request_timeout() {
    let server = TestServer::start().await;
    for (length, more) in
        [("Content-Length: 900", "x"), ("Transfer-Encoding: chunked", "1\r\nx\r\n")]
    {
        let mut stream = server.connect().await;
        let head = format!(
            "POST /api/v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\n{length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let (answer, took) = drip(&mut stream, more.as_bytes()).await;
        assert!(answer.contains("504 Gateway Timeout"), "{length}: {answer}");
        // The rest of the body is read for a while, so that the client sees the answer.
        assert!((30..=41).contains(&took), "{length}: {took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_may_be_slow_but_not_stand_still() {
    let server = TestServer::start().await;
    let mut stream = server.connect().await;
    let head = format!(
        "POST /api/v1/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: 900\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(50)).await;
        stream.write_all(b"x").await.unwrap();
    }
    let begun = Instant::now();
    let mut answer = [0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.contains(r#"{"code":"invalid_body""#), "{answer}");
    assert!((60..=63).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_a_request_finish_and_takes_no_new_one() {
    let server = TestServer::with(HttpSettings {
        drain_timeout: Duration::from_secs(25),
        ..HttpSettings::default()
    })
    .await;
    let mut stream = server.connect().await;
    stream.write_all(slow_request().as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.shutdown.cancel();
    let begun = Instant::now();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 204"));
    assert_eq!(begun.elapsed().as_secs(), 19);
    let wire = server.wire.clone();
    server.serving.await.unwrap();
    assert!(wire.net.dial(&wire.address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn shutdown_answers_one_more_request_on_an_open_connection() {
    let server = TestServer::start().await;
    let mut used = server.connect().await;
    let mut idle = server.connect().await;
    let livez = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    for stream in [&mut used, &mut idle] {
        stream.write_all(livez).await.unwrap();
        let mut answer = [0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        assert!(!String::from_utf8_lossy(&answer[..read]).contains("connection: close"));
    }
    server.shutdown.cancel();
    tokio::time::sleep(Duration::from_secs(1)).await;
    used.write_all(livez).await.unwrap();
    let answer = read_to_end(&mut used).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(read_to_end(&mut idle).await, "");
    timeout(Duration::from_secs(3), server.serving).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_answers_whoever_has_connected_before() {
    let server = TestServer::start().await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // Nothing has let the server accept the connection yet.
    server.shutdown.cancel();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn shutdown_answers_a_connection_that_waits_for_a_place() {
    let settings = HttpSettings {
        max_connections: 1,
        drain_timeout: Duration::from_secs(25),
        ..HttpSettings::default()
    };
    let server = TestServer::with(settings).await;
    let mut first = server.connect().await;
    first.write_all(slow_request().as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut second = server.connect().await;
    second.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.shutdown.cancel();
    assert!(read_to_end(&mut first).await.starts_with("HTTP/1.1 204"));
    let answer = read_to_end(&mut second).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn the_drain_has_a_deadline() {
    let server = TestServer::start().await;
    let mut stream = server.connect().await;
    stream.write_all(slow_request().as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.shutdown.cancel();
    let begun = Instant::now();
    server.serving.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test(start_paused = true)]
async fn connections_above_the_cap_wait_for_a_place() {
    let server =
        TestServer::with(HttpSettings { max_connections: 1, ..HttpSettings::default() }).await;
    let mut first = server.connect().await;
    first.write_all(slow_request().as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let livez = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let waiting = timeout(Duration::from_secs(5), server.raw(livez)).await;
    assert!(waiting.is_err());
    drop(first);
    assert_eq!(server.raw(livez).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_the_connection_that_has_been_idle_longest_is_closed() {
    let server =
        TestServer::with(HttpSettings { max_connections: 2, ..HttpSettings::default() }).await;
    let mut silent = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(slow_request().as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let livez = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut kept = server.connect().await;
    let begun = Instant::now();
    assert_eq!(read_to_end(&mut silent).await, "", "it has been idle longest");
    for _ in 0..2 {
        kept.write_all(livez.as_bytes()).await.unwrap();
        let mut answer = [0; 4096];
        let read = kept.read(&mut answer).await.unwrap();
        assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 200"));
    }
    let closing = livez.replace("Host", "Connection: close\r\nHost");
    assert_eq!(server.raw(&closing).await.status, 200);
    assert_eq!(read_to_end(&mut kept).await, "");
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(read_to_end(&mut slow).await.starts_with("HTTP/1.1 204"), "it had a request");
}

#[tokio::test(start_paused = true)]
async fn requests_above_the_limit_are_answered_with_429() {
    let server =
        TestServer::with(HttpSettings { max_concurrent_requests: 1, ..HttpSettings::default() })
            .await;
    let mut first = server.connect().await;
    first.write_all(slow_request().as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answer = server.ask("GET", "/api/v1/things", "", "").await;
    assert_eq!(answer.error(), (429, "too_many_requests".to_owned()));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(server.ask("GET", "/livez", "", "").await.status, 200);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let answer = server.ask("GET", "/api/v1/things", "", "").await;
    assert_eq!(answer.status, 204, "the permit is free again");
}

/// A request's permit is free while its client sends the body slowly; another request may take it.
#[tokio::test(start_paused = true)]
async fn a_slow_body_keeps_no_other_request_out() {
    let server =
        TestServer::with(HttpSettings { max_concurrent_requests: 1, ..HttpSettings::default() })
            .await;
    let head = format!(
        "POST /api/v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
         Connection: close\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{{"
    );
    for (others, status) in [(false, "201"), (true, "429")] {
        let mut stream = server.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(server.ask("GET", "/api/v1/things", "", "").await.status, 204);
        let mut other = server.connect().await;
        if others {
            other.write_all(slow_request().as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        stream.write_all(br#""name":"a"}"#).await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_loses_its_connection() {
    let server = TestServer::start().await;
    let mut stream = server.connect().await;
    let download = format!(
        "GET /api/v1/download HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    );
    stream.write_all(download.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    let cut = read_to_end(&mut stream).await;
    assert!(!cut.ends_with("0\r\n\r\n"), "the answer must not look whole");
}

struct Flaky {
    outcomes: VecDeque<io::Error>,
    inner: Box<dyn Listener>,
}

#[async_trait]
impl Listener for Flaky {
    async fn accept(&mut self) -> io::Result<(BoxStream, String)> {
        match self.outcomes.pop_front() {
            Some(error) => Err(error),
            None => self.inner.accept().await,
        }
    }

    fn local_addr(&self) -> String {
        self.inner.local_addr()
    }
}

#[tokio::test(start_paused = true)]
async fn an_accept_error_does_not_stop_the_server() {
    let net = DuplexNet::default();
    let listener = Flaky {
        outcomes: (0..20).map(|_| io::Error::other("too many files")).collect(),
        inner: net.listen("flaky:1").await.unwrap(),
    };
    let router = axum::Router::new();
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let serving = tokio::spawn(async move {
        serve(Box::new(listener), router, &HttpSettings::default(), stop).await;
    });
    let mut stream = net.dial("flaky:1").await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 404"));
    shutdown.cancel();
    serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_its_side_after_its_requests_gets_its_answers() {
    let server = TestServer::start().await;
    for count in [1, 3] {
        let mut stream = server.connect().await;
        stream.write_all(slow_request().repeat(count).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let answers = read_to_end(&mut stream).await;
        assert_eq!(answers.matches("HTTP/1.1 204").count(), count, "{answers}");
    }
    // With nothing to answer the connection ends at once.
    let mut stream = server.connect().await;
    stream.shutdown().await.unwrap();
    let begun = Instant::now();
    read_to_end(&mut stream).await;
    assert_eq!(begun.elapsed().as_secs(), 0);
}
