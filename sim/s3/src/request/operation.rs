//! What a request asks for, by S3's own names.

use http::Method;

use super::head::{Head, Query};
use crate::error::{Code, S3Error};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    ListBuckets,
    CreateBucket,
    HeadBucket,
    DeleteBucket,
    GetBucketLocation,
    GetBucketVersioning,
    GetBucketAcl,
    PutBucketAcl,
    /// What nobody ever set has this value.
    GetBucketPreset(Preset),
    /// Any configuration of a bucket that is never set.
    GetBucketConfiguration(Code),
    ListObjects,
    ListObjectsV2,
    ListObjectVersions,
    ListMultipartUploads,
    DeleteObjects,
    PutObject,
    /// From a form.
    PostObject,
    CopyObject,
    GetObject,
    HeadObject,
    GetObjectAcl,
    PutObjectAcl,
    GetObjectAttributes,
    DeleteObject,
    GetObjectTagging,
    PutObjectTagging,
    DeleteObjectTagging,
    CreateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
}

/// Configurations of a bucket that are there without being set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    Accelerate,
    Logging,
    Notification,
    RequestPayment,
}

impl Operation {
    /// Each by its name, without what tells those apart that share one.
    pub const NAMES: [&str; 33] = [
        "ListBuckets",
        "CreateBucket",
        "HeadBucket",
        "DeleteBucket",
        "GetBucketLocation",
        "GetBucketVersioning",
        "GetBucketAcl",
        "PutBucketAcl",
        "GetBucketPreset",
        "GetBucketConfiguration",
        "ListObjects",
        "ListObjectsV2",
        "ListObjectVersions",
        "ListMultipartUploads",
        "DeleteObjects",
        "PutObject",
        "PostObject",
        "CopyObject",
        "GetObject",
        "HeadObject",
        "GetObjectAcl",
        "PutObjectAcl",
        "GetObjectAttributes",
        "DeleteObject",
        "GetObjectTagging",
        "PutObjectTagging",
        "DeleteObjectTagging",
        "CreateMultipartUpload",
        "UploadPart",
        "UploadPartCopy",
        "CompleteMultipartUpload",
        "AbortMultipartUpload",
        "ListParts",
    ];

    pub fn name(self) -> String {
        let text = format!("{self:?}");
        text.split('(').next().unwrap_or_default().to_owned()
    }

    pub fn of(head: &Head) -> Result<Operation, S3Error> {
        match (&head.bucket, &head.key) {
            (None, _) => match head.method {
                Method::GET => Ok(Operation::ListBuckets),
                _ => Err(not_allowed(head)),
            },
            (Some(_), None) => of_bucket(head),
            (Some(_), Some(_)) => of_object(head),
        }
    }

    /// Whether it changes the object that it names.
    pub fn writes_object(self) -> bool {
        matches!(
            self,
            Operation::PutObject
                | Operation::CopyObject
                | Operation::DeleteObject
                | Operation::CompleteMultipartUpload
        )
    }
}

fn of_bucket(head: &Head) -> Result<Operation, S3Error> {
    let query = &head.query;
    let configuration = [
        ("policy", Code::NoSuchBucketPolicy),
        ("cors", Code::NoSuchCORSConfiguration),
        ("lifecycle", Code::NoSuchLifecycleConfiguration),
        ("tagging", Code::NoSuchTagSet),
        ("website", Code::NoSuchWebsiteConfiguration),
        ("encryption", Code::ServerSideEncryptionConfigurationNotFoundError),
        ("object-lock", Code::ObjectLockConfigurationNotFoundError),
        ("ownershipControls", Code::OwnershipControlsNotFoundError),
        ("policyStatus", Code::NoSuchBucketPolicy),
        ("replication", Code::ReplicationConfigurationNotFoundError),
        ("publicAccessBlock", Code::NoSuchPublicAccessBlockConfiguration),
    ];
    let named = configuration.into_iter().find(|(name, _)| query.has(name));
    match head.method {
        Method::HEAD => Ok(Operation::HeadBucket),
        Method::GET => match named {
            Some((_, code)) => Ok(Operation::GetBucketConfiguration(code)),
            None if query.has("location") => Ok(Operation::GetBucketLocation),
            None if query.has("versioning") => Ok(Operation::GetBucketVersioning),
            None if query.has("acl") => Ok(Operation::GetBucketAcl),
            None if query.has("uploads") => Ok(Operation::ListMultipartUploads),
            None if query.has("versions") => Ok(Operation::ListObjectVersions),
            None if query.get("list-type") == Some("2") => Ok(Operation::ListObjectsV2),
            None => match preset(query) {
                Some(preset) => Ok(Operation::GetBucketPreset(preset)),
                None => unless_other(head, Operation::ListObjects),
            },
        },
        Method::POST if query.has("delete") => Ok(Operation::DeleteObjects),
        Method::PUT if query.has("acl") => Ok(Operation::PutBucketAcl),
        Method::PUT if named.is_none() => unless_other(head, Operation::CreateBucket),
        Method::DELETE if named.is_none() => unless_other(head, Operation::DeleteBucket),
        Method::PUT | Method::DELETE => Err(not_implemented()),
        Method::POST if is_form(head) => Ok(Operation::PostObject),
        _ => Err(not_allowed(head)),
    }
}

/// An upload from a page.
fn is_form(head: &Head) -> bool {
    head.header("content-type").is_some_and(|it| it.starts_with("multipart/form-data"))
}

fn preset(query: &Query) -> Option<Preset> {
    let presets = [
        ("accelerate", Preset::Accelerate),
        ("logging", Preset::Logging),
        ("notification", Preset::Notification),
        ("requestPayment", Preset::RequestPayment),
    ];
    presets.into_iter().find_map(|(name, preset)| query.has(name).then_some(preset))
}

fn of_object(head: &Head) -> Result<Operation, S3Error> {
    let query = &head.query;
    let (upload, copy) = (query.has("uploadId"), head.has_header("x-amz-copy-source"));
    let tagging = query.has("tagging");
    match head.method {
        Method::GET if tagging => Ok(Operation::GetObjectTagging),
        Method::GET if query.has("acl") => Ok(Operation::GetObjectAcl),
        Method::GET if query.has("attributes") => Ok(Operation::GetObjectAttributes),
        Method::GET if upload => Ok(Operation::ListParts),
        Method::GET => unless_other(head, Operation::GetObject),
        Method::HEAD => Ok(Operation::HeadObject),
        Method::PUT if query.has("acl") => Ok(Operation::PutObjectAcl),
        Method::PUT if tagging => Ok(Operation::PutObjectTagging),
        Method::PUT if upload && copy => Ok(Operation::UploadPartCopy),
        Method::PUT if upload => Ok(Operation::UploadPart),
        Method::PUT if copy => Ok(Operation::CopyObject),
        Method::PUT => unless_other(head, Operation::PutObject),
        Method::POST if query.has("uploads") => Ok(Operation::CreateMultipartUpload),
        Method::POST if upload => Ok(Operation::CompleteMultipartUpload),
        Method::DELETE if tagging => Ok(Operation::DeleteObjectTagging),
        Method::DELETE if upload => Ok(Operation::AbortMultipartUpload),
        Method::DELETE => unless_other(head, Operation::DeleteObject),
        Method::POST if query.has("select") || query.has("restore") => Err(not_implemented()),
        _ => Err(not_allowed(head)),
    }
}

/// Parts of S3 that are not simulated are refused, rather than taken for something else.
const OTHERS: [&str; 27] = [
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "location",
    "logging",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "policyStatus",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "torrent",
    "versioning",
];

fn unless_other(head: &Head, operation: Operation) -> Result<Operation, S3Error> {
    match OTHERS.iter().any(|name| head.query.has(name)) {
        true => Err(not_implemented()),
        false => Ok(operation),
    }
}

fn not_implemented() -> S3Error {
    S3Error::from(Code::NotImplemented)
}

fn not_allowed(head: &Head) -> S3Error {
    let resource = if head.key.is_some() { "OBJECT" } else { "BUCKET" };
    S3Error::from(Code::MethodNotAllowed)
        .with("Method", &head.method)
        .with("ResourceType", resource)
}
