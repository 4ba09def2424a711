//! Uploads from forms.

use super::serving::{KEY, SECRET, Server};
use crate::wire::digest::{base64, hmac};

const DAY: &str = "20260102";
const LATER: &str = "2999-01-01T00:00:00.000Z";

/// Fields as a browser sends them; the policy allows a small object below `to/`.
fn fields(expiration: &str) -> Vec<(&'static str, String)> {
    let credential = format!("{KEY}/{DAY}/us-east-1/s3/aws4_request");
    let policy = format!(
        r#"{{"expiration": "{expiration}", "conditions": [{{"bucket": "bucket"}},
        ["starts-with", "$key", "to/"], {{"x-amz-meta-a": "b"}}, ["content-length-range", 1, 9],
        ["starts-with", "$success_action_status", ""],
        ["starts-with", "$success_action_redirect", ""],
        {{"x-amz-credential": "{credential}"}}]}}"#
    );
    let policy = base64(policy.as_bytes());
    let first = hmac(format!("AWS4{SECRET}").as_bytes(), DAY.as_bytes());
    let parts = ["us-east-1", "s3", "aws4_request", &policy];
    let signature = parts.iter().fold(first, |key, part| hmac(&key, part.as_bytes()));
    vec![
        ("key", "to/${filename}".to_owned()),
        ("x-amz-meta-a", "b".to_owned()),
        ("x-amz-credential", credential),
        ("policy", policy),
        ("x-amz-signature", hex::encode(signature)),
    ]
}

async fn post(server: &Server, fields: &[(&str, String)], file: &str) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!(
            "--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!(
        "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n\r\n\
         {file}\r\n--b0--\r\n"
    ));
    let request = format!(
        "POST /bucket HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {}\r\n\
         content-type: multipart/form-data; boundary=b0\r\n\r\n{body}",
        body.len()
    );
    server.exchange(&request).await
}

#[tokio::test]
async fn a_form_that_its_policy_allows_is_an_object() {
    let server = Server::start().await;
    let answer = post(&server, &fields(LATER), "content").await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert_eq!(server.keys(), ["to/f.txt"]);
    let state = server.s3.state();
    let object = state.bucket("bucket").unwrap().get("to/f.txt").unwrap();
    assert_eq!(object.body, "content");
    assert_eq!(object.headers.get("x-amz-meta-a").map(String::as_str), Some("b"));
}

#[tokio::test]
async fn a_form_that_its_policy_does_not_allow_changes_nothing() {
    let server = Server::start().await;
    let with = |name: &'static str, value: &str| {
        let mut fields = fields(LATER);
        fields.retain(|(it, _)| *it != name);
        fields.push((name, value.to_owned()));
        fields
    };
    let unsigned: Vec<_> = fields(LATER).into_iter().filter(|it| it.0 != "policy").collect();
    for (fields, file, part) in [
        (fields(LATER), "more than 9", "<Code>EntityTooLarge</Code>"),
        (fields(LATER), "", "<Code>EntityTooSmall</Code>"),
        (with("key", "elsewhere"), "content", "Policy Condition failed"),
        (with("x-amz-meta-c", "d"), "content", "Extra input fields: x-amz-meta-c"),
        (with("x-amz-signature", "00"), "content", "<Code>SignatureDoesNotMatch</Code>"),
        (fields("2020-01-01T00:00:00Z"), "content", "Policy expired"),
        (unsigned, "content", "<Code>AccessDenied</Code>"),
    ] {
        let answer = post(&server, &fields, file).await;
        assert!(answer.contains(part), "{part}: {answer}");
    }
    assert!(server.keys().is_empty());
}

#[tokio::test]
async fn a_form_says_how_it_wants_to_be_answered() {
    let server = Server::start().await;
    let free = |name: &'static str, value: &str| {
        let mut fields = fields(LATER);
        fields.push((name, value.to_owned()));
        fields
    };
    let usual = post(&server, &free("x-ignore-a", "b"), "content").await;
    assert!(usual.starts_with("HTTP/1.1 204 "), "{usual}");
    let created = post(&server, &free("success_action_status", "201"), "content").await;
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
    assert!(created.contains("<Bucket>bucket</Bucket><Key>to/f.txt</Key>"), "{created}");
    let moved = post(&server, &free("success_action_redirect", "http://h/?a=b"), "content").await;
    assert!(moved.starts_with("HTTP/1.1 303 "), "{moved}");
    assert!(moved.contains("location: http://h/?a=b&bucket=bucket&key=to%2Ff.txt&etag="));
}
