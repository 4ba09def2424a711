//! Which headers and parameters each operation obeys. Whatever is not in these lists is refused:
//! who sends it believes that something happens which does not.
//!
//! The lists are about headers of the service. Those of HTTP that an operation has no use for may
//! be sent, as by everybody's clients.

use super::head::Head;
use super::operation::{Operation, Preset};
use crate::error::{Code, S3Error};

const SERVICE: &str = "x-amz-";
const METADATA: &str = "x-amz-meta-";

/// Signatures, how a body comes, and whose the bucket is taken for. Requesters never pay here, and
/// the last two only say which program asks.
const ALWAYS: [&str; 9] = [
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-expected-bucket-owner",
    "x-amz-request-payer",
    "x-amz-security-token",
    "x-amz-trailer",
    "x-amz-api-version",
    "x-amz-user-agent",
];
/// Of a body, which is compared with them.
const DIGESTS: [&str; 6] = [
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-sdk-checksum-algorithm",
];
const GRANTS: [&str; 6] = [
    "x-amz-acl",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
];
/// What an object is made with.
const OBJECT: [&str; 4] = [
    "x-amz-server-side-encryption",
    "x-amz-storage-class",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
];
const SOURCE: [&str; 6] = [
    "x-amz-copy-source",
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-unmodified-since",
    "x-amz-source-expected-bucket-owner",
];
/// Parameters that replace headers of an answer.
const OVERRIDES: [&str; 6] = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];
/// Parameters of signatures in a URL.
const SIGNATURES: [&str; 3] = ["AWSAccessKeyId", "Expires", "Signature"];

/// Refuses a request with headers or parameters that its operation does not understand.
pub fn check(operation: Operation, head: &Head) -> Result<(), S3Error> {
    let mut headers = head.headers.keys().map(|name| name.as_str());
    if let Some(name) = headers.find(|name| !is_understood(operation, name)) {
        return Err(S3Error::from(Code::NotImplemented).with("Header", name));
    }
    let mut parameters = head.query.pairs().map(|(name, _)| name);
    if let Some(name) = parameters.find(|name| !is_parameter(operation, name)) {
        let message = "A parameter you provided implies functionality that is not implemented";
        return Err(S3Error::new(Code::NotImplemented, message).with("Parameter", name));
    }
    Ok(())
}

fn is_understood(operation: Operation, name: &str) -> bool {
    let lists = headers(operation);
    !name.starts_with(SERVICE)
        || ALWAYS.contains(&name)
        || lists.iter().any(|list| list.contains(&name))
        || (name.starts_with(METADATA) && lists.contains(&&OBJECT[..]))
        // The fields of a form that are no headers: its signature.
        || (operation == Operation::PostObject
            && ["x-amz-algorithm", "x-amz-credential", "x-amz-signature"].contains(&name))
}

fn headers(operation: Operation) -> &'static [&'static [&'static str]] {
    use Operation as O;
    match operation {
        O::CreateBucket => {
            &[&GRANTS, &["x-amz-bucket-object-lock-enabled", "x-amz-object-ownership"]]
        }
        O::PutObject | O::PostObject => &[&OBJECT, &GRANTS, &DIGESTS],
        O::CopyObject => &[
            &OBJECT,
            &GRANTS,
            &SOURCE,
            &["x-amz-checksum-algorithm", "x-amz-metadata-directive", "x-amz-tagging-directive"],
        ],
        O::CreateMultipartUpload => {
            &[&OBJECT, &GRANTS, &["x-amz-checksum-algorithm", "x-amz-checksum-type"]]
        }
        O::UploadPartCopy => &[&SOURCE, &["x-amz-copy-source-range"]],
        O::UploadPart | O::PutObjectTagging => &[&DIGESTS],
        O::CompleteMultipartUpload => &[&DIGESTS, &["x-amz-checksum-type", "x-amz-mp-object-size"]],
        O::PutBucketAcl | O::PutObjectAcl => &[&GRANTS, &DIGESTS],
        // Nothing is locked, so there is no lock to be passed by.
        O::DeleteObjects => &[&DIGESTS, &["x-amz-bypass-governance-retention"]],
        O::DeleteObject => &[&["x-amz-bypass-governance-retention"]],
        O::GetObject | O::HeadObject => &[&["x-amz-checksum-mode"]],
        O::GetObjectAttributes => &[&["x-amz-object-attributes"]],
        // Nothing is ever restored, so there is nothing to say of it.
        O::ListObjects | O::ListObjectsV2 | O::ListObjectVersions => {
            &[&["x-amz-optional-object-attributes"]]
        }
        _ => &[],
    }
}

/// Whatever begins with `x-` is S3's own custom: it is logged, and means nothing.
fn is_parameter(operation: Operation, name: &str) -> bool {
    let lists = parameters(operation);
    name.starts_with("x-")
        || name.starts_with("X-Amz-")
        || SIGNATURES.contains(&name)
        || lists.iter().any(|list| list.contains(&name))
}

fn parameters(operation: Operation) -> &'static [&'static [&'static str]] {
    use Operation as O;
    const LISTED: [&str; 4] = ["delimiter", "encoding-type", "max-keys", "prefix"];
    match operation {
        O::ListBuckets => &[&["bucket-region", "continuation-token", "max-buckets", "prefix"]],
        O::CreateBucket | O::HeadBucket | O::DeleteBucket => &[],
        O::GetBucketLocation => &[&["location"]],
        O::GetBucketVersioning => &[&["versioning"]],
        O::GetBucketAcl | O::PutBucketAcl => &[&["acl"]],
        O::GetBucketPreset(Preset::Accelerate) => &[&["accelerate"]],
        O::GetBucketPreset(Preset::Logging) => &[&["logging"]],
        O::GetBucketPreset(Preset::Notification) => &[&["notification"]],
        O::GetBucketPreset(Preset::RequestPayment) => &[&["requestPayment"]],
        O::GetBucketConfiguration(_) => &[&CONFIGURATIONS],
        O::ListObjects => &[&LISTED, &["marker"]],
        O::ListObjectsV2 => {
            &[&LISTED, &["continuation-token", "fetch-owner", "list-type", "start-after"]]
        }
        O::ListObjectVersions => &[&LISTED, &["key-marker", "version-id-marker", "versions"]],
        O::ListMultipartUploads => &[
            &["delimiter", "encoding-type", "key-marker", "max-uploads", "prefix"],
            &["upload-id-marker", "uploads"],
        ],
        O::DeleteObjects => &[&["delete"]],
        O::PutObject | O::PostObject | O::CopyObject => &[],
        O::GetObject | O::HeadObject => &[&OVERRIDES, &["partNumber", "versionId"]],
        O::GetObjectAcl | O::PutObjectAcl => &[&["acl", "versionId"]],
        O::GetObjectAttributes => &[&["attributes", "versionId"]],
        O::DeleteObject => &[&["versionId"]],
        O::GetObjectTagging | O::PutObjectTagging | O::DeleteObjectTagging => {
            &[&["tagging", "versionId"]]
        }
        O::CreateMultipartUpload => &[&["uploads"]],
        O::UploadPart | O::UploadPartCopy => &[&["partNumber", "uploadId"]],
        O::CompleteMultipartUpload | O::AbortMultipartUpload => &[&["uploadId"]],
        O::ListParts => &[&["max-parts", "part-number-marker", "uploadId"]],
    }
}

const CONFIGURATIONS: [&str; 11] = [
    "cors",
    "encryption",
    "lifecycle",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "tagging",
    "website",
];
