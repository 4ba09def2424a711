//! What several operations read from a request.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::acl;
use super::dispatch::Request;
use crate::auth::http_date;
use crate::error::{Code, S3Error};
use crate::request::head::{Head, Query};
use crate::state::{Conditions, Tags};
use crate::wire::digest::{Algorithm, Checksum, md5, unbase64};

const METADATA: &str = "x-amz-meta-";
const MAX_METADATA_BYTES: usize = 2 * 1024;
const MAX_TAGS: usize = 10;
/// Of the ids that the service gives.
const VERSION_ID_CHARS: usize = 32;

/// Headers of an object that are kept and given back.
const KEPT: [&str; 9] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-server-side-encryption",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
];
const STORAGE_CLASSES: [&str; 8] = [
    "DEEP_ARCHIVE",
    "GLACIER",
    "GLACIER_IR",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "REDUCED_REDUNDANCY",
    "STANDARD",
    "STANDARD_IA",
];
/// What the service says to encrypt with keys of its own, as it does with everything.
pub const ENCRYPTION: &str = "x-amz-server-side-encryption";

/// The headers that the new object will have.
pub fn object_headers(head: &Head) -> Result<BTreeMap<String, String>, S3Error> {
    acl::check_new(head, Code::AccessControlListNotSupported)?;
    if head.header(ENCRYPTION).is_some_and(|it| it != "AES256") {
        return Err(S3Error::from(Code::NotImplemented).with("Header", ENCRYPTION));
    }
    if let Some(class) = head.header("x-amz-storage-class")
        && !STORAGE_CLASSES.contains(&class.as_str())
    {
        return Err(S3Error::from(Code::InvalidStorageClass).with("StorageClassRequested", class));
    }
    let names = head.headers.keys().map(|name| name.as_str());
    let kept = names.filter(|name| KEPT.contains(name) || name.starts_with(METADATA));
    let mut headers: BTreeMap<_, _> =
        kept.filter_map(|name| Some((name.to_owned(), head.header(name)?))).collect();
    if let Some(encoding) = headers.get_mut("content-encoding") {
        // How the body came is not how it is.
        let kept = encoding.split(',').map(str::trim).filter(|it| *it != "aws-chunked");
        *encoding = kept.collect::<Vec<_>>().join(",");
        if encoding.is_empty() {
            headers.remove("content-encoding");
        }
    }
    headers.entry("content-type".to_owned()).or_insert("binary/octet-stream".to_owned());
    let metadata = headers
        .iter()
        .filter_map(|(name, value)| Some(name.strip_prefix(METADATA)?.len() + value.len()));
    let size: usize = metadata.sum();
    if size > MAX_METADATA_BYTES {
        return Err(S3Error::from(Code::MetadataTooLarge)
            .with("Size", size)
            .with("MaxSizeAllowed", MAX_METADATA_BYTES));
    }
    Ok(headers)
}

/// Tags as a header has them.
pub fn header_tags(head: &Head) -> Result<Tags, S3Error> {
    let Some(text) = head.header("x-amz-tagging") else { return Ok(Tags::new()) };
    let query = Query::parse(&text)?;
    valid_tags(query.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

pub fn valid_tags(tags: Tags) -> Result<Tags, S3Error> {
    if tags.len() > MAX_TAGS {
        let message = format!("Object tags cannot be greater than {MAX_TAGS}");
        return Err(S3Error::new(Code::BadRequest, message));
    }
    let message = match &tags {
        tags if tags.iter().any(|(key, _)| key.starts_with("aws:")) => {
            "System tags cannot be added/updated by requester"
        }
        tags if tags.iter().any(|(key, _)| key.is_empty() || key.chars().count() > 128) => {
            "The TagKey you have provided is invalid"
        }
        tags if tags.iter().any(|(_, value)| value.chars().count() > 256) => {
            "The TagValue you have provided is invalid"
        }
        tags if (1..tags.len()).any(|i| tags[..i].iter().any(|it| it.0 == tags[i].0)) => {
            "Cannot provide multiple Tags with the same key"
        }
        _ => return Ok(tags),
    };
    Err(S3Error::new(Code::InvalidTag, message))
}

/// Verifies the digests that came with a body; answers the checksum among them.
pub fn checksum(request: &Request) -> Result<Option<Checksum>, S3Error> {
    if let Some(said) = request.head.header("content-md5") {
        let said = unbase64(&said).filter(|it| it.len() == 16).ok_or(Code::InvalidDigest)?;
        if said != md5(&request.body) {
            return Err(Code::BadDigest.into());
        }
    }
    let mut found = None;
    for (algorithm, said) in claimed(request) {
        let name = algorithm.header();
        let invalid = || {
            let message = format!("Value for {name} header is invalid.");
            S3Error::new(Code::InvalidRequest, message)
        };
        let bytes = unbase64(&said).ok_or_else(invalid)?;
        let computed = Checksum::of(algorithm, &request.body);
        if bytes.len() != unbase64(&computed.value).map_or(0, |it| it.len()) {
            return Err(invalid());
        }
        if computed.value != said {
            return Err(S3Error::mismatch(algorithm.name()));
        }
        found = Some(computed);
    }
    let asked = asked_algorithm(&request.head, "x-amz-sdk-checksum-algorithm")?;
    Ok(found.or(asked.map(|algorithm| Checksum::of(algorithm, &request.body))))
}

/// Checksums that a request says something has, in its headers or behind its body.
pub fn claimed(request: &Request) -> impl Iterator<Item = (Algorithm, String)> + '_ {
    Algorithm::ALL.into_iter().filter_map(|algorithm| {
        let name = algorithm.header();
        let trailer = request.trailers.iter().find(|(it, _)| it == name);
        let said = request.head.header(name).or(trailer.map(|(_, value)| value.clone()));
        Some((algorithm, said?))
    })
}

/// The algorithm that a header names.
pub fn asked_algorithm(head: &Head, header: &str) -> Result<Option<Algorithm>, S3Error> {
    let Some(name) = head.header(header) else { return Ok(None) };
    let unknown = || {
        let message = "Checksum algorithm provided is unsupported. Please try again with any of \
            the valid types: [CRC32, CRC32C, SHA1, SHA256, CRC64NVME]";
        S3Error::new(Code::InvalidRequest, message)
    };
    Algorithm::named(&name).map(Some).ok_or_else(unknown)
}

/// Conditions of a read.
pub fn conditions(head: &Head) -> Conditions {
    Conditions {
        if_match: head.header("if-match"),
        if_none_match: head.header("if-none-match"),
        if_modified_since: date(head, "if-modified-since"),
        if_unmodified_since: date(head, "if-unmodified-since"),
    }
}

/// Conditions on the source of a copy.
pub fn source_conditions(head: &Head) -> Conditions {
    Conditions {
        if_match: head.header("x-amz-copy-source-if-match"),
        if_none_match: head.header("x-amz-copy-source-if-none-match"),
        if_modified_since: date(head, "x-amz-copy-source-if-modified-since"),
        if_unmodified_since: date(head, "x-amz-copy-source-if-unmodified-since"),
    }
}

fn date(head: &Head, name: &str) -> Option<Timestamp> {
    http_date(&head.header(name)?)
}

/// The version that a request may name: there is only one.
pub fn check_version(head: &Head) -> Result<(), S3Error> {
    match head.query.get("versionId") {
        None | Some("null" | "") => Ok(()),
        Some(other) if other.len() == VERSION_ID_CHARS => {
            Err(S3Error::from(Code::NoSuchVersion).with("VersionId", other))
        }
        Some(other) => Err(S3Error::argument("versionId", other, "Invalid version id specified")),
    }
}
