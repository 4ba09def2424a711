//! Answers as they are on the wire.

use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequestBody;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::serving::{KEY, SECRET, Server, now};

/// The head of a signed request, as text.
fn signed(server: &Server, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let uri = format!("http://{}{target}", server.address);
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(HttpRequestBody::empty()).unwrap();
    let credential = AwsCredential { key_id: KEY.into(), secret_key: SECRET.into(), token: None };
    let authorizer = AwsAuthorizer::new(&credential, "s3", "us-east-1").with_sign_payload(false);
    authorizer.try_authorize(&mut request, None).unwrap();
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", server.address);
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    text
}

/// Sends a request on a connection of its own; answers all that comes back.
pub async fn send(
    server: &Server,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> String {
    let mut text = signed(server, method, target, headers);
    text.push_str(&format!("connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
    server.exchange(&text).await
}

/// Status, and the error's document without what is random in it.
pub fn error(answer: &str) -> (u16, String) {
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let body = body.split("<RequestId>").next().unwrap_or_default();
    let body = body.split_once("?>\n").map_or(body, |(_, body)| body);
    (status, body.to_owned())
}

#[tokio::test]
async fn errors_are_worded_as_s3_words_them() {
    let server = Server::start().await;
    let get = error(&send(&server, "GET", "/bucket/no%20key", &[], "").await);
    let text = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>\
        <Key>no key</Key><Resource>/bucket/no%20key</Resource>";
    assert_eq!(get, (404, text.to_owned()));
    send(&server, "PUT", "/bucket/k", &[], "0123456789").await;
    let range = error(&send(&server, "GET", "/bucket/k", &[("range", "bytes=10-")], "").await);
    let text = "<Error><Code>InvalidRange</Code><Message>The requested range is not satisfiable\
        </Message><RangeRequested>bytes=10-</RangeRequested><ActualObjectSize>10\
        </ActualObjectSize><Resource>/bucket/k</Resource>";
    assert_eq!(range, (416, text.to_owned()));
    let create = send(&server, "PUT", "/bucket/k", &[("if-none-match", "*")], "").await;
    let text = "<Error><Code>PreconditionFailed</Code><Message>At least one of the pre-conditions \
        you specified did not hold</Message><Condition>If-None-Match</Condition>\
        <Resource>/bucket/k</Resource>";
    assert_eq!(error(&create), (412, text.to_owned()));
    let update = send(&server, "PUT", "/bucket/none", &[("if-match", "\"x\"")], "").await;
    assert_eq!(error(&update).0, 404);
    let anonymous = "GET /bucket/k HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    let text = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message>\
        <Resource>/bucket/k</Resource>";
    assert_eq!(error(&server.exchange(anonymous).await), (403, text.to_owned()));
}

#[tokio::test]
async fn a_head_has_no_body_and_an_unchanged_object_neither() {
    let server = Server::start().await;
    send(&server, "PUT", "/bucket/k", &[("x-amz-meta-a", "b")], "0123456789").await;
    let head = send(&server, "HEAD", "/bucket/k", &[], "").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head.contains("content-length: 10\r\n") && head.contains("x-amz-meta-a: b\r\n"));
    let missing = send(&server, "HEAD", "/bucket/none", &[], "").await;
    assert!(missing.starts_with("HTTP/1.1 404 ") && missing.ends_with("\r\n\r\n"), "{missing}");
    let etag = "\"781e5e245d69b566979b86e28d23f2c7\"";
    assert!(head.contains(&format!("etag: {etag}\r\n")), "{head}");
    let same = send(&server, "GET", "/bucket/k", &[("if-none-match", etag)], "").await;
    assert!(same.starts_with("HTTP/1.1 304 ") && same.ends_with("\r\n\r\n"), "{same}");
}

#[tokio::test]
async fn names_are_encoded_in_a_listing_if_that_is_asked_for() {
    let server = Server::start().await;
    send(&server, "PUT", "/bucket/a%20b%2Bc%26/%01", &[], "").await;
    let plain = send(&server, "GET", "/bucket?list-type=2", &[], "").await;
    assert!(plain.contains("<Key>a b+c&amp;/&#x1;</Key>"), "{plain}");
    let target = "/bucket?list-type=2&encoding-type=url&delimiter=/";
    let encoded = send(&server, "GET", target, &[], "").await;
    assert!(encoded.contains("<Prefix>a%20b%2Bc%26/</Prefix></CommonPrefixes>"), "{encoded}");
    assert!(encoded.contains("<KeyCount>1</KeyCount>"), "{encoded}");
}

/// The second writer begins before the first one is done, and ends after it.
#[tokio::test]
async fn a_conditional_write_that_another_overtakes_conflicts() {
    let server = Server::start().await;
    let mut slow = server.dial().await;
    let head = signed(&server, "PUT", "/bucket/k", &[("if-none-match", "*")]);
    let head = format!("{head}connection: close\r\ncontent-length: 4\r\n\r\nsl");
    slow.write_all(head.as_bytes()).await.unwrap();
    while server.s3.state().writers() == 0 {
        tokio::task::yield_now().await;
    }
    let fast = send(&server, "PUT", "/bucket/k", &[("if-none-match", "*")], "fast").await;
    assert!(fast.starts_with("HTTP/1.1 200 "), "{fast}");
    slow.write_all(b"ow").await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    let (status, body) = error(&answer);
    assert_eq!(status, 409);
    assert!(body.starts_with("<Error><Code>ConditionalRequestConflict</Code>"), "{body}");
    let later = send(&server, "PUT", "/bucket/k", &[("if-none-match", "*")], "late").await;
    assert_eq!(error(&later).0, 412);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_behind() {
    let server = Server::start().await;
    let mut stream = server.dial().await;
    let head = signed(&server, "PUT", "/bucket/k", &[("if-none-match", "*")]);
    let head = format!("{head}content-length: 4\r\n\r\nsl");
    stream.write_all(head.as_bytes()).await.unwrap();
    while server.s3.state().writers() == 0 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while server.s3.state().writers() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(server.keys().is_empty());
}

#[tokio::test]
async fn digests_that_do_not_fit_are_refused() {
    let server = Server::start().await;
    for (name, value, code) in [
        ("content-md5", "kAFQmDzST7DWlj99KOF/cg==", "BadDigest"),
        ("content-md5", "x", "InvalidDigest"),
        ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
        ("x-amz-checksum-crc32", "AAAA", "InvalidRequest"),
    ] {
        let (status, body) = error(&send(&server, "PUT", "/bucket/k", &[(name, value)], "1").await);
        assert_eq!(status, 400);
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{name}: {body}");
    }
    assert!(server.keys().is_empty());
}

#[tokio::test]
async fn a_connection_goes_on_after_a_body_that_nobody_wanted() {
    let server = Server::start().await;
    let body = "x".repeat(1 << 20);
    let refused = signed(&server, "PUT", "/bucket/k?versioning", &[]);
    let next = signed(&server, "DELETE", "/bucket/k", &[]);
    let mut stream = server.dial().await;
    let text = format!("{refused}content-length: {}\r\n\r\n", body.len());
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream.write_all(format!("{next}connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert!(answers.starts_with("HTTP/1.1 501 "), "{answers}");
    assert!(answers.contains("</Error>HTTP/1.1 204 "), "{answers}");
}

#[tokio::test]
async fn what_is_not_simulated_is_not_taken_for_something_else() {
    let server = Server::start().await;
    send(&server, "PUT", "/bucket/k", &[], "kept").await;
    let refused = [
        ("PUT", "/bucket/k?renameObject", "x-amz-rename-source", "/bucket/other", 501),
        ("PUT", "/bucket/k?encryption", "x-amz-meta-a", "b", 501),
        ("GET", "/bucket?session", "x-amz-meta-a", "b", 501),
        ("PUT", "/bucket/k", "x-amz-write-offset-bytes", "4", 501),
        ("PUT", "/bucket/k", "x-amz-server-side-encryption", "aws:kms", 501),
        ("PUT", "/bucket/k", "x-amz-storage-class", "BEST", 400),
        ("PUT", "/bucket/k?acl", "x-amz-acl", "public-read", 400),
        ("PUT", "/bucket?acl", "x-amz-grant-read", "id=\"somebody\"", 400),
    ];
    for (method, target, name, value, status) in refused {
        let answer = send(&server, method, target, &[(name, value)], "").await;
        assert_eq!(error(&answer).0, status, "{target} {name}: {answer}");
    }
    let kept = send(&server, "GET", "/bucket/k", &[], "").await;
    assert!(kept.ends_with("\r\n\r\nkept"), "{kept}");
}

#[tokio::test]
async fn an_archived_object_can_be_looked_at_but_not_read() {
    let server = Server::start().await;
    send(&server, "PUT", "/bucket/k", &[("x-amz-storage-class", "GLACIER")], "").await;
    let head = send(&server, "HEAD", "/bucket/k", &[], "").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let copied = [("x-amz-copy-source", "/bucket/k")];
    for (method, target, headers) in
        [("GET", "/bucket/k", &[][..]), ("PUT", "/bucket/c", &copied[..])]
    {
        let (status, body) = error(&send(&server, method, target, headers, "").await);
        assert_eq!(status, 403);
        assert!(body.contains("<Code>InvalidObjectState</Code>"), "{body}");
    }
}

#[tokio::test]
async fn buckets_are_listed_in_pages_and_by_prefix() {
    let server = Server::start().await;
    for name in ["abc-1", "abc-2", "abc-3"] {
        server.s3.state().create_bucket(name, now()).unwrap();
    }
    let first = send(&server, "GET", "/?max-buckets=2&prefix=abc", &[], "").await;
    assert!(first.contains("<ContinuationToken>abc-2</ContinuationToken>"), "{first}");
    let target = "/?max-buckets=2&prefix=abc&continuation-token=abc-2";
    let second = send(&server, "GET", target, &[], "").await;
    assert!(second.contains("<Name>abc-3</Name>") && !second.contains("abc-1"), "{second}");
    assert!(!second.contains("<ContinuationToken>"), "{second}");
    let elsewhere = send(&server, "GET", "/?bucket-region=eu-west-1", &[], "").await;
    assert!(elsewhere.contains("<Buckets></Buckets>"), "{elsewhere}");
}

#[tokio::test]
async fn a_bucket_with_locks_is_not_made_without_them() {
    let server = Server::start().await;
    let lock = [("x-amz-bucket-object-lock-enabled", "true")];
    let refused = send(&server, "PUT", "/other", &lock, "").await;
    assert_eq!(error(&refused).0, 501, "{refused}");
    assert!(server.s3.state().bucket("other").is_err());
    let made = send(&server, "PUT", "/other", &[], "").await;
    assert!(made.starts_with("HTTP/1.1 200 "), "{made}");
}

#[tokio::test]
async fn arguments_out_of_range_are_named() {
    let server = Server::start().await;
    let eleven = format!("x={}", (0..10).map(|n| format!("&t{n}=v")).collect::<String>());
    for (target, header, part) in [
        (
            "/bucket?list-type=2&max-keys=-1",
            ("x-amz-request-payer", ""),
            "must be an integer between 0",
        ),
        (
            "/bucket?max-keys=2147483648",
            ("x-amz-request-payer", ""),
            "not an integer or within integer",
        ),
        ("/bucket/k", ("x-amz-tagging", "aws:a=b"), "<Code>InvalidTag</Code>"),
        ("/bucket/k", ("x-amz-tagging", eleven.as_str()), "<Code>BadRequest</Code>"),
    ] {
        let method = if target.contains("max") { "GET" } else { "PUT" };
        let (status, body) = error(&send(&server, method, target, &[header], "").await);
        assert_eq!(status, 400);
        assert!(body.contains(part), "{body}");
    }
}

#[tokio::test]
async fn the_list_of_whom_an_object_belongs_to_can_be_set_to_what_it_is() {
    let server = Server::start().await;
    send(&server, "PUT", "/bucket/k", &[], "").await;
    let list = send(&server, "GET", "/bucket/k?acl", &[], "").await;
    let list = list.split_once("\r\n\r\n").unwrap().1;
    for (headers, body, status) in [
        (&[][..], list, "200"),
        (&[("x-amz-acl", "private")], "", "200"),
        (&[], &list.replace("FULL_CONTROL", "READ"), "400"),
    ] {
        let answer = send(&server, "PUT", "/bucket/k?acl", headers, body).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
    }
    let missing = send(&server, "PUT", "/bucket/none?acl", &[("x-amz-acl", "private")], "").await;
    assert_eq!(error(&missing).0, 404);
}

#[tokio::test]
async fn a_copy_has_its_own_storage_class_and_encryption() {
    let server = Server::start().await;
    let headers =
        [("x-amz-storage-class", "STANDARD_IA"), ("x-amz-server-side-encryption", "AES256")];
    let put = send(&server, "PUT", "/bucket/k", &headers, "").await;
    assert!(put.contains("x-amz-server-side-encryption: AES256\r\n"), "{put}");
    let source = ("x-amz-copy-source", "/bucket/k");
    send(&server, "PUT", "/bucket/plain", &[source], "").await;
    let plain = send(&server, "HEAD", "/bucket/plain", &[], "").await;
    assert!(!plain.contains("storage-class") && !plain.contains("encryption"), "{plain}");
    send(&server, "PUT", "/bucket/k", &[source, ("x-amz-storage-class", "ONEZONE_IA")], "").await;
    let changed = send(&server, "HEAD", "/bucket/k", &[], "").await;
    assert!(changed.contains("x-amz-storage-class: ONEZONE_IA\r\n"), "{changed}");
}

#[tokio::test]
async fn what_nobody_set_of_a_bucket_is_said_to_be_so() {
    let server = Server::start().await;
    for (target, part) in [
        ("/bucket?logging", "<BucketLoggingStatus "),
        ("/bucket?notification", "<NotificationConfiguration "),
        ("/bucket?requestPayment", "<Payer>BucketOwner</Payer>"),
        ("/bucket?accelerate", "<AccelerateConfiguration "),
        ("/bucket?replication", "<Code>ReplicationConfigurationNotFoundError</Code>"),
    ] {
        let answer = send(&server, "GET", target, &[], "").await;
        assert!(answer.contains(part), "{target}: {answer}");
        let set = send(&server, "PUT", target, &[], "").await;
        assert_eq!(error(&set).0, 501, "{set}");
    }
}
