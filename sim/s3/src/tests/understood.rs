//! What is asked is obeyed or refused, never ignored.

use std::collections::BTreeSet;

use super::raw::{error, send};
use super::serving::{BUCKET, Server};

const DOCUMENTED: &str = include_str!("documented.txt");

/// How each operation is asked for.
const OPERATIONS: [(&str, &str, &str); 30] = [
    ("ListBuckets", "GET", "/"),
    ("CreateBucket", "PUT", "/other"),
    ("HeadBucket", "HEAD", "/bucket"),
    ("DeleteBucket", "DELETE", "/bucket"),
    ("GetBucketLocation", "GET", "/bucket?location"),
    ("GetBucketVersioning", "GET", "/bucket?versioning"),
    ("GetBucketAcl", "GET", "/bucket?acl"),
    ("PutBucketAcl", "PUT", "/bucket?acl"),
    ("ListObjects", "GET", "/bucket"),
    ("ListObjectsV2", "GET", "/bucket?list-type=2"),
    ("ListObjectVersions", "GET", "/bucket?versions"),
    ("ListMultipartUploads", "GET", "/bucket?uploads"),
    ("DeleteObjects", "POST", "/bucket?delete"),
    ("PutObject", "PUT", "/bucket/k"),
    ("CopyObject", "PUT", "/bucket/k"),
    ("GetObject", "GET", "/bucket/k"),
    ("HeadObject", "HEAD", "/bucket/k"),
    ("GetObjectAcl", "GET", "/bucket/k?acl"),
    ("PutObjectAcl", "PUT", "/bucket/k?acl"),
    ("GetObjectAttributes", "GET", "/bucket/k?attributes"),
    ("DeleteObject", "DELETE", "/bucket/k"),
    ("GetObjectTagging", "GET", "/bucket/k?tagging"),
    ("PutObjectTagging", "PUT", "/bucket/k?tagging"),
    ("DeleteObjectTagging", "DELETE", "/bucket/k?tagging"),
    ("CreateMultipartUpload", "POST", "/bucket/k?uploads"),
    ("UploadPart", "PUT", "/bucket/k?uploadId=u&partNumber=1"),
    ("UploadPartCopy", "PUT", "/bucket/k?uploadId=u&partNumber=1"),
    ("CompleteMultipartUpload", "POST", "/bucket/k?uploadId=u"),
    ("AbortMultipartUpload", "DELETE", "/bucket/k?uploadId=u"),
    ("ListParts", "GET", "/bucket/k?uploadId=u"),
];

/// Documented headers that are refused, whatever they say. A header that leaves this list is obeyed
/// from then on, which needs a test of its own.
const REFUSED: [&str; 29] = [
    "x-amz-bucket-namespace",
    "x-amz-checksum-md5",
    "x-amz-checksum-sha512",
    "x-amz-checksum-xxhash128",
    "x-amz-checksum-xxhash3",
    "x-amz-checksum-xxhash64",
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key-md5",
    "x-amz-if-match-initiated-time",
    "x-amz-if-match-last-modified-time",
    "x-amz-if-match-size",
    "x-amz-max-parts",
    "x-amz-mfa",
    "x-amz-object-annotation-directive",
    "x-amz-object-lock-event-hold",
    "x-amz-object-lock-event-hold-duration-days",
    "x-amz-object-lock-event-hold-duration-years",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-part-number-marker",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-context",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-customer-key-md5",
    "x-amz-write-offset-bytes",
];

/// Documented headers of which only some values are obeyed.
const PARTLY: [&str; 2] = ["x-amz-object-ownership", "x-amz-server-side-encryption"];

#[tokio::test]
async fn every_documented_header_is_obeyed_or_refused() {
    let server = Server::start().await;
    send(&server, "PUT", "/bucket/k", &[], "kept").await;
    let mut refused = BTreeSet::new();
    let documented = DOCUMENTED.lines().filter(|line| !line.starts_with('#'));
    for line in documented {
        let (operation, header) = line.split_once(' ').unwrap();
        let asked = OPERATIONS.iter().find(|(name, _, _)| *name == operation);
        let (_, method, target) = asked.unwrap_or_else(|| panic!("{operation}"));
        let mut headers = vec![(header, "nonsense")];
        if operation.contains("Copy") && header != "x-amz-copy-source" {
            headers.push(("x-amz-copy-source", "/bucket/k"));
        }
        let answer = send(&server, method, target, &headers, "").await;
        if error(&answer).0 == 501 && !PARTLY.contains(&header) {
            refused.insert(header);
        }
    }
    assert_eq!(refused.into_iter().collect::<Vec<_>>(), REFUSED);
}

#[tokio::test]
async fn headers_and_parameters_that_nobody_documents_are_refused_everywhere() {
    let server = Server::start().await;
    for (operation, method, target) in OPERATIONS {
        let source = ("x-amz-copy-source", "/bucket/k");
        let copy = operation.contains("Copy").then_some(source);
        let headers: Vec<_> = copy.into_iter().chain([("x-amz-new", "1")]).collect();
        let answer = send(&server, method, target, &headers, "").await;
        assert_eq!(error(&answer).0, 501, "{operation}: {answer}");
        let separator = if target.contains('?') { '&' } else { '?' };
        let headers: Vec<_> = copy.into_iter().collect();
        let target = format!("{target}{separator}new=1");
        let answer = send(&server, method, &target, &headers, "").await;
        assert_eq!(error(&answer).0, 501, "{operation}: {answer}");
    }
    let custom = send(&server, "GET", "/bucket?list-type=2&x-id=ListObjectsV2", &[], "").await;
    assert!(custom.starts_with("HTTP/1.1 200 "), "{custom}");
}

#[tokio::test]
async fn a_bucket_that_is_taken_for_somebody_elses_is_refused() {
    let server = Server::start().await;
    send(&server, "PUT", "/bucket/k", &[], "kept").await;
    for (name, account, status) in [
        ("x-amz-expected-bucket-owner", "123456789012", 200),
        ("x-amz-expected-bucket-owner", "210987654321", 403),
        ("x-amz-expected-bucket-owner", "me", 400),
        ("x-amz-source-expected-bucket-owner", "210987654321", 403),
    ] {
        let headers = [("x-amz-copy-source", "/bucket/k"), (name, account)];
        let answer = send(&server, "PUT", "/bucket/copy", &headers, "").await;
        assert_eq!(error(&answer).0, status, "{name} {account}: {answer}");
    }
}

#[tokio::test]
async fn nothing_is_made_that_is_to_be_others_too() {
    let server = Server::start().await;
    send(&server, "PUT", "/bucket/k", &[], "kept").await;
    let copy = ("x-amz-copy-source", "/bucket/k");
    for grant in [("x-amz-acl", "public-read"), ("x-amz-grant-read", "id=\"somebody\"")] {
        for (method, target, headers, code) in [
            ("PUT", "/bucket/new", vec![grant], "AccessControlListNotSupported"),
            ("PUT", "/bucket/new", vec![copy, grant], "AccessControlListNotSupported"),
            ("POST", "/bucket/new?uploads", vec![grant], "AccessControlListNotSupported"),
            ("PUT", "/other", vec![grant], "InvalidBucketAclWithObjectOwnership"),
        ] {
            let (status, body) = error(&send(&server, method, target, &headers, "").await);
            assert_eq!(status, 400, "{target} {grant:?}: {body}");
            assert!(body.contains(&format!("<Code>{code}</Code>")), "{target} {grant:?}: {body}");
        }
    }
    assert_eq!(server.keys(), ["k"]);
    assert_eq!(server.s3.state().buckets().count(), 1);
    let own = [("x-amz-acl", "bucket-owner-full-control")];
    let made = send(&server, "PUT", "/bucket/own", &own, "").await;
    assert!(made.starts_with("HTTP/1.1 200 "), "{made}");
}

#[tokio::test]
async fn elements_that_no_document_has_are_refused() {
    let server = Server::start().await;
    send(&server, "PUT", "/bucket/k", &[], "kept").await;
    let md5 = |body: &str| crate::wire::digest::base64(&crate::wire::digest::md5(body.as_bytes()));
    for (method, target, body) in [
        ("PUT", "/other", "<CreateBucketConfiguration><New/></CreateBucketConfiguration>"),
        ("PUT", "/bucket/k?tagging", "<Tagging><TagSet></TagSet><New/></Tagging>"),
        ("POST", "/bucket?delete", "<Delete><Object><Key>k</Key><Size>9</Size></Object></Delete>"),
    ] {
        let digest = md5(body);
        let answer = send(&server, method, target, &[("content-md5", &digest)], body).await;
        assert_eq!(error(&answer).0, 400, "{target}: {answer}");
        assert!(answer.contains("<Code>MalformedXML</Code>"), "{target}: {answer}");
    }
    assert_eq!((server.keys(), server.s3.state().buckets().count()), (vec!["k".to_owned()], 1));
    let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
    let tags = format!("<Tagging xmlns=\"{namespace}\">\n <TagSet>\n</TagSet>\n</Tagging>");
    for (digest, status) in [(md5(&tags), 200), (md5("other"), 400)] {
        let headers = [("content-md5", digest.as_str())];
        let answer = send(&server, "PUT", "/bucket/k?tagging", &headers, &tags).await;
        assert_eq!(error(&answer).0, status, "{answer}");
    }
}

/// Of an upload whose checksum is one of the whole, of the parts, or none.
#[tokio::test]
async fn an_upload_is_completed_only_as_what_it_is_said_to_be() {
    let server = Server::start().await;
    let crc = |text: &str| {
        let sum = crate::wire::digest::Algorithm::Crc32.of(text.as_bytes());
        crate::wire::digest::base64(&sum)
    };
    let (right, wrong) = (crc("content"), crc("other"));
    let whole = vec![("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")];
    for begun in [vec![], whole] {
        let said = |name, value| vec![(name, value)];
        for (headers, status) in [
            (said("x-amz-checksum-crc32", wrong.as_str()), 400),
            (said("x-amz-checksum-crc32", "AAAA"), 400),
            (said("x-amz-checksum-crc32", "?"), 400),
            (said("x-amz-mp-object-size", "8"), 400),
            (said("x-amz-mp-object-size", "seven"), 400),
            (said("x-amz-checksum-type", "SOMETHING"), 400),
            (vec![("x-amz-checksum-crc32", right.as_str()), ("x-amz-mp-object-size", "7")], 200),
        ] {
            let upload = send(&server, "POST", "/bucket/u?uploads", &begun, "").await;
            let id = upload.split("<UploadId>").nth(1).unwrap().split('<').next().unwrap();
            let target = format!("/bucket/u?uploadId={id}");
            let part = format!("{target}&partNumber=1");
            let part = send(&server, "PUT", &part, &[], "content").await;
            let etag = part.split("etag: \"").nth(1).unwrap().split('"').next().unwrap();
            let document = format!(
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag>\
                 </Part></CompleteMultipartUpload>"
            );
            assert!(server.keys().is_empty());
            let done = send(&server, "POST", &target, &headers, &document).await;
            assert_eq!(error(&done).0, status, "{begun:?} {headers:?}: {done}");
            assert_eq!(server.keys().len(), usize::from(status == 200));
            server
                .s3
                .state()
                .bucket_mut(BUCKET)
                .unwrap()
                .delete("u", &Default::default(), super::serving::now())
                .unwrap();
        }
    }
    // Another kind of checksum than that of the upload.
    let composite = [("x-amz-checksum-algorithm", "SHA256")];
    let upload = send(&server, "POST", "/bucket/u?uploads", &composite, "").await;
    let id = upload.split("<UploadId>").nth(1).unwrap().split('<').next().unwrap();
    let target = format!("/bucket/u?uploadId={id}");
    let part = send(&server, "PUT", &format!("{target}&partNumber=1"), &[], "content").await;
    let etag = part.split("etag: \"").nth(1).unwrap().split('"').next().unwrap();
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>\
         </CompleteMultipartUpload>"
    );
    for headers in [("x-amz-checksum-type", "FULL_OBJECT"), ("x-amz-checksum-crc32", &right)] {
        let done = send(&server, "POST", &target, &[headers], &document).await;
        assert_eq!(error(&done).0, 400, "{headers:?}: {done}");
    }
}
