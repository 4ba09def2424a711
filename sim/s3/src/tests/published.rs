//! The examples that AWS publishes for signatures of version 4.

use http::{HeaderMap, HeaderName, Method};
use jiff::Timestamp;

use crate::Code;
use crate::auth::{Keys, decode, verify};
use crate::error::S3Error;
use crate::request::head::Head;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn keys() -> Keys {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    [("AKIAIOSFODNN7EXAMPLE".to_owned(), secret.to_owned())].into()
}

fn now() -> Timestamp {
    "2013-05-24T00:00:00Z".parse().unwrap()
}

fn head(method: Method, uri: &str, host: &str, headers: &[(&str, &str)]) -> Head {
    let mut map = HeaderMap::new();
    for (name, value) in [("host", host)].iter().chain(headers) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.insert(name, value.parse().unwrap());
    }
    Head::parse(method, &uri.parse().unwrap(), map, Some("s3.amazonaws.com")).unwrap()
}

fn authorization(signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={signed},Signature={signature}"
    )
}

fn example(
    method: Method,
    uri: &str,
    signature: &str,
    headers: &[(&str, &str)],
) -> Result<(), S3Error> {
    let mut names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    names.extend(["host", "x-amz-date"]);
    names.sort_unstable();
    let authorization = authorization(&names.join(";"), signature);
    let mut all = headers.to_vec();
    all.extend([("x-amz-date", "20130524T000000Z"), ("authorization", &authorization)]);
    let head = head(method, uri, "examplebucket.s3.amazonaws.com", &all);
    verify(&head, &keys(), "us-east-1", now()).map(drop)
}

#[test]
fn published_signatures_of_headers_are_accepted() {
    let empty = ("x-amz-content-sha256", EMPTY);
    let get = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    let ranged = [("range", "bytes=0-9"), empty];
    assert_eq!(example(Method::GET, "/test.txt", get, &ranged), Ok(()));
    let put = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
    let headers = [
        ("date", "Fri, 24 May 2013 00:00:00 GMT"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        (
            "x-amz-content-sha256",
            "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        ),
    ];
    assert_eq!(example(Method::PUT, "/test$file.text", put, &headers), Ok(()));
    let lifecycle = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543";
    assert_eq!(example(Method::GET, "/?lifecycle", lifecycle, &[empty]), Ok(()));
    let list = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
    assert_eq!(example(Method::GET, "/?max-keys=2&prefix=J", list, &[empty]), Ok(()));
    let other = example(Method::GET, "/?max-keys=3&prefix=J", list, &[empty]).unwrap_err();
    assert_eq!(other.code, Code::SignatureDoesNotMatch);
}

fn presigned(now: &str) -> Result<(), S3Error> {
    let uri = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
        &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
        &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let head = head(Method::GET, uri, "examplebucket.s3.amazonaws.com", &[]);
    verify(&head, &keys(), "us-east-1", now.parse().unwrap()).map(drop)
}

#[test]
fn the_published_presigned_url_is_valid_for_a_day() {
    assert_eq!(presigned("2013-05-24T00:00:00Z"), Ok(()));
    assert_eq!(presigned("2013-05-25T00:00:00Z"), Ok(()));
    let late = presigned("2013-05-25T00:00:01Z").unwrap_err();
    assert_eq!((late.code, &*late.message), (Code::AccessDenied, "Request has expired"));
    let early = presigned("2013-05-23T23:44:59Z").unwrap_err();
    assert_eq!((early.code, &*early.message), (Code::AccessDenied, "Request is not yet valid"));
}

fn chunked(body: String) -> Result<usize, S3Error> {
    let headers = [
        ("content-encoding", "aws-chunked"),
        ("content-length", "66824"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("x-amz-decoded-content-length", "66560"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-date", "20130524T000000Z"),
    ];
    let signed = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
        x-amz-decoded-content-length;x-amz-storage-class";
    let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let authorization = authorization(signed, seed);
    let headers: Vec<_> = headers.into_iter().chain([("authorization", &*authorization)]).collect();
    let head = head(Method::PUT, "/examplebucket/chunkObject.txt", "s3.amazonaws.com", &headers);
    let payload = verify(&head, &keys(), "us-east-1", now())?;
    Ok(decode(&head, payload, body.into())?.0.len())
}

#[test]
fn the_published_chunked_upload_is_accepted_and_a_changed_one_is_not() {
    let chunk = |signature: &str, data: &str| {
        format!("{:x};chunk-signature={signature}\r\n{data}\r\n", data.len())
    };
    let signatures = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ];
    let body = |letter: &str| {
        chunk(signatures[0], &"a".repeat(65536))
            + &chunk(signatures[1], &letter.repeat(1024))
            + &chunk(signatures[2], "")
    };
    assert_eq!(body("a").len(), 66824);
    assert_eq!(chunked(body("a")), Ok(66560));
    assert_eq!(chunked(body("b")).unwrap_err().code, Code::SignatureDoesNotMatch);
    let cut = body("a")[..60_000].to_owned();
    assert_eq!(chunked(cut).unwrap_err().code, Code::IncompleteBody);
}

/// The example of version 2 in the developer guide of that time.
#[test]
fn the_published_signature_of_version_2_is_accepted() {
    let headers = [
        ("date", "Tue, 27 Mar 2007 19:36:42 +0000"),
        ("authorization", "AWS AKIAIOSFODNN7EXAMPLE:bWq2s1WEIj+Ydj0vQ697zp+IXMU="),
    ];
    let host = "johnsmith.s3.amazonaws.com";
    let head = head(Method::GET, "/photos/puppy.jpg", host, &headers);
    let at = |now: &str| verify(&head, &keys(), "us-east-1", now.parse().unwrap()).map(drop);
    assert_eq!(at("2007-03-27T19:36:42Z"), Ok(()));
    assert_eq!(at("2007-03-27T19:52:00Z").unwrap_err().code, Code::RequestTimeTooSkewed);
}

#[test]
fn what_is_wrong_with_a_signature_is_said() {
    let get = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    let headers = [
        ("range", "bytes=0-9"),
        ("x-amz-content-sha256", EMPTY),
        ("x-amz-date", "20130524T000000Z"),
        ("authorization", &authorization("host;range;x-amz-content-sha256;x-amz-date", get)),
    ];
    let head = head(Method::GET, "/test.txt", "examplebucket.s3.amazonaws.com", &headers);
    let code = |keys: &Keys, region, now: &str| {
        verify(&head, keys, region, now.parse().unwrap()).unwrap_err().code
    };
    let skewed = code(&keys(), "us-east-1", "2013-05-24T00:15:01Z");
    assert_eq!(skewed, Code::RequestTimeTooSkewed);
    let region = code(&keys(), "eu-west-1", "2013-05-24T00:00:00Z");
    assert_eq!(region, Code::AuthorizationHeaderMalformed);
    let nobody = code(&Keys::new(), "us-east-1", "2013-05-24T00:00:00Z");
    assert_eq!(nobody, Code::InvalidAccessKeyId);
    assert!(verify(&head, &keys(), "us-east-1", "2013-05-24T00:15:00Z".parse().unwrap()).is_ok());
}
