use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drydock_core::context::Context;
use drydock_core::error::Kind;
use drydock_core::net::Net;
use futures_util::{StreamExt, TryStreamExt};
use http::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::service::{TestServer, Thing};
use crate::client::{Client, ClientError};
use crate::testing::duplex::DuplexNet;

fn ctx() -> Context {
    Context::background()
}

/// A server that answers every connection with `answer` and closes it.
async fn canned(answer: &'static str) -> Client {
    let net = DuplexNet::default();
    let mut listener = net.listen("canned:1").await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    Client::new(Arc::new(net), "canned:1")
}

/// Two servers: the first one closes every connection without an answer, the second one is in
/// maintenance.
async fn dying_and_in_maintenance() -> Client {
    let net = DuplexNet::default();
    let refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 36\r\n\r\n\
                   {\"code\":\"maintenance\",\"message\":\"-\"}";
    for (name, answer) in [("dying:1", ""), ("other:1", refusal)] {
        let mut listener = net.listen(name).await.unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
    }
    Client::of_any(Arc::new(net), vec!["dying:1".to_owned(), "other:1".to_owned()])
}

/// A server that answers `requests[n]` requests on its nth connection and closes it, and the number
/// of connections so far.
async fn answering(requests: &'static [usize]) -> (Client, Arc<AtomicUsize>) {
    let net = DuplexNet::default();
    let mut listener = net.listen("turns:1").await.unwrap();
    let dials = Arc::new(AtomicUsize::new(0));
    let counted = dials.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let nth = counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                for _ in 0..requests[nth] {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull";
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (Client::new(Arc::new(net), "turns:1"), dials)
}

async fn get(client: &Client) -> ClientError {
    let got = client.request(Method::GET, "/x").send::<Value>(&ctx()).await;
    got.expect_err("only failures are asked for")
}

#[tokio::test]
async fn an_answer_comes_with_its_headers() {
    let server = TestServer::start().await;
    let client = server.client();
    let thing = Thing { name: "alice".into() };
    let call = client.request(Method::POST, "/api/v1/things").json(&thing);
    let answer = call.send::<Thing>(&ctx()).await.unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body.name, "alice");
    assert!(answer.etag().unwrap().starts_with("\"1-"));
}

#[tokio::test]
async fn a_refusal_is_the_remote_error() {
    let server = TestServer::start().await;
    let error = get(&server.client()).await;
    let remote = error.remote().unwrap();
    assert_eq!((remote.kind, remote.code.as_str()), (Kind::NotExist, "route_not_exist"));
    assert!(!error.may_have_applied());
}

#[tokio::test]
async fn a_body_that_is_not_ours_leaves_the_status() {
    let client = canned("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nhtml").await;
    let error = get(&client).await;
    assert_eq!(error.remote().unwrap().kind, Kind::Unavailable);
    assert!(error.may_have_applied());
}

#[tokio::test]
async fn a_server_says_how_long_it_wants_to_be_left_alone() {
    let date = "HTTP/1.1 503 Later\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n";
    for (answer, expected) in [
        ("HTTP/1.1 429 Later\r\nRetry-After: 7\r\n\r\n", Some(Duration::from_secs(7))),
        (date, None),
        ("HTTP/1.1 503 Later\r\n\r\n", None),
    ] {
        let error = get(&canned(answer).await).await;
        assert_eq!(error.remote().unwrap().retry_after, expected, "{answer}");
    }
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let client = Client::new(Arc::new(DuplexNet::default()), "nobody:1");
    let error = get(&client).await;
    assert!(matches!(error, ClientError::NotSent { .. }), "{error:?}");
    assert!(!error.may_have_applied());
}

#[tokio::test]
async fn a_lost_answer_is_an_unknown_outcome() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{",
    ] {
        let error = get(&canned(answer).await).await;
        assert!(matches!(error, ClientError::Unknown { .. }), "{answer:?}: {error:?}");
        assert!(error.may_have_applied());
    }
}

#[tokio::test]
async fn a_change_that_one_server_may_have_made_is_not_refused_by_the_next() {
    let client = dying_and_in_maintenance().await;
    let change = client.request(Method::POST, "/x").repeatable();
    let error = change.send::<Value>(&ctx()).await.unwrap_err();
    assert!(error.may_have_applied(), "{error}");
    // A read has no outcome that could be unknown.
    assert_eq!(get(&client).await.remote().unwrap().code, "maintenance");
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_used_again_until_it_is_closed_or_idle_for_too_long() {
    let (client, dials) = answering(&[3, 5, 5]).await;
    let ask = async || {
        let answer = client.request(Method::POST, "/x").json(&1).send::<Value>(&ctx()).await;
        answer.unwrap();
        // The server gets the time to close the connection.
        tokio::time::sleep(Duration::from_millis(1)).await;
        dials.load(Ordering::Relaxed)
    };
    for dialled in [1, 1, 1, 2, 2] {
        assert_eq!(ask().await, dialled);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(ask().await, 3);
}

#[tokio::test]
async fn two_requests_at_a_time_never_share_a_connection() {
    let (client, dials) = answering(&[2, 2]).await;
    let ask = async || client.request(Method::GET, "/x").send::<Value>(&ctx()).await.unwrap();
    tokio::join!(ask(), ask());
    tokio::join!(ask(), ask());
    assert_eq!(dials.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn the_connection_of_a_cancelled_request_is_not_used_again() {
    let server = TestServer::start().await;
    let client = server.client();
    let slow = client.request(Method::GET, "/api/v1/slow").timeout(Duration::from_millis(5));
    assert!(slow.send_bytes(&ctx()).await.unwrap_err().may_have_applied());
    let thing = Thing { name: "alice".into() };
    let call = client.request(Method::POST, "/api/v1/things").json(&thing);
    assert_eq!(call.send::<Thing>(&ctx()).await.unwrap().body.name, "alice");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_times_out() {
    let net = DuplexNet::default();
    let _listener = net.listen("silent:1").await.unwrap();
    let client = Client::new(Arc::new(net), "silent:1");
    let begun = Instant::now();
    let error = get(&client).await;
    assert!(matches!(error, ClientError::Unknown { .. }), "{error:?}");
    assert_eq!(begun.elapsed().as_secs(), 35);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_waits_as_it_was_asked_to_is_not_taken_for_one_that_hangs() {
    let net = DuplexNet::default();
    let mut listener = net.listen("first:1").await.unwrap();
    let _second = net.listen("second:1").await.unwrap();
    let client = Client::of_any(Arc::new(net), ["first:1", "second:1"].map(String::from).to_vec());
    let wait = Duration::from_secs(20);
    let call = client.request(Method::POST, "/x").repeatable().timeout(wait / 2).longer_by(wait);
    let context = ctx();
    let (sent, served) = (call.send_bytes(&context), async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4];
        stream.read_exact(&mut request).await.unwrap();
        tokio::time::sleep(wait).await;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        stream
    });
    let (answer, _stream) = tokio::join!(sent, served);
    assert_eq!(answer.unwrap().status, 204);
}

#[tokio::test(start_paused = true)]
async fn the_remaining_time_is_passed_on() {
    let server = TestServer::start().await;
    let client = server.client();
    let call = client.request(Method::GET, "/api/v1/slow");
    let begun = Instant::now();
    let ended = call.send_bytes(&ctx().timeout(Duration::from_millis(500))).await;
    assert!(ended.unwrap_err().may_have_applied());
    assert!(begun.elapsed() <= Duration::from_millis(501));
}

#[tokio::test]
async fn a_streamed_answer_arrives_whole_or_ends_with_an_error() {
    let server = TestServer::start().await;
    let client = server.client();
    let download = async || {
        let call = client.request(Method::GET, "/api/v1/download");
        let answer = call.send_streamed(&ctx()).await.unwrap();
        let (mut bytes, mut body) = (0, answer.body.boxed());
        while let Some(chunk) = body.try_next().await? {
            bytes += chunk.len();
        }
        Ok::<_, ClientError>(bytes)
    };
    assert!(download().await.unwrap() > 200_000);
    server.service.download_fails.store(true, Ordering::Relaxed);
    assert!(matches!(download().await, Err(ClientError::Unknown { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_has_no_deadline_of_its_own() {
    let server = TestServer::start().await;
    let client = server.client();
    let call = client.request(Method::GET, "/api/v1/download");
    let mut body = call.send_streamed(&ctx()).await.unwrap().body;
    assert!(body.try_next().await.unwrap().is_some());
    tokio::time::sleep(Duration::from_secs(50)).await;
    while body.try_next().await.unwrap().is_some() {}
}
