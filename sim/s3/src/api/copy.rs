//! Copies, whole and as parts.

use std::sync::Arc;

use bytes::Bytes;

use super::dispatch::{Api, Request};
use super::input::{ENCRYPTION, asked_algorithm, header_tags, object_headers, source_conditions};
use super::multipart::part_number;
use super::range;
use crate::error::{Code, S3Error};
use crate::request::head::decode;
use crate::state::{NewObject, Object};
use crate::wire::digest::{Checksum, Kind};
use crate::wire::reply::{Reply, iso, quoted};
use crate::wire::xml::Xml;

/// Headers that an object does not take over from what it is copied from.
const OWN: [&str; 3] = [ENCRYPTION, "x-amz-storage-class", "x-amz-website-redirect-location"];

pub fn object(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let head = &request.head;
    let (bucket, key, source) = source(api, request)?;
    let replaces = |name| match head.header(name).as_deref() {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(S3Error::argument(name, other, "Unknown metadata directive.")),
    };
    let new_headers = replaces("x-amz-metadata-directive")?;
    let new_tags = replaces("x-amz-tagging-directive")?;
    let itself = bucket == request.bucket() && key == request.key();
    if itself && !new_headers && !OWN.iter().any(|name| head.has_header(name)) {
        let message = "This copy request is illegal because it is trying to copy an object to \
            itself without changing the object's metadata, storage class, website redirect \
            location or encryption attributes.";
        return Err(S3Error::new(Code::InvalidRequest, message));
    }
    let mut headers = object_headers(head)?;
    if !new_headers {
        headers.retain(|name, _| OWN.contains(&name.as_str()));
        let copied = source.headers.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
        headers.extend(copied.map(|(name, value)| (name.clone(), value.clone())));
    }
    let new = NewObject {
        body: source.body.clone(),
        headers,
        tags: if new_tags { header_tags(head)? } else { source.tags.clone() },
        checksum: copied_checksum(request, &source)?,
    };
    let conditions = api.write_conditions(request)?;
    let now = api.now;
    let copy = api.bucket_mut(request)?.put(request.key(), new, &conditions, now)?;
    api.changed(request.bucket(), request.key());
    let document = result("CopyObjectResult", &copy.etag, &iso(now), copy.checksum.as_ref());
    Ok(Reply::document(document).with_some(ENCRYPTION, copy.headers.get(ENCRYPTION)))
}

pub fn part(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let (_, _, source) = source(api, request)?;
    let body = match request.head.header("x-amz-copy-source-range") {
        Some(header) => slice(&source, &header)?,
        None => source.body.clone(),
    };
    let (id, number) = part_number(request)?;
    let now = api.now;
    let asked = api.bucket(request)?.upload(request.key(), id)?.checksum();
    let checksum = asked.map(|(algorithm, _)| Checksum::of(algorithm, &body));
    let bucket = api.bucket_mut(request)?;
    let part = bucket.put_part(request.key(), id, number, body, checksum, now)?;
    Ok(Reply::document(result("CopyPartResult", &part.etag, &iso(now), part.checksum.as_ref())))
}

fn result(root: &str, etag: &str, modified: &str, checksum: Option<&Checksum>) -> Bytes {
    Xml::document(root, |xml| {
        xml.leaf("ETag", quoted(etag)).leaf("LastModified", modified);
        if let Some(checksum) = checksum {
            xml.leaf(checksum.algorithm.element(), &checksum.value);
        }
    })
}

/// A copy is one piece, whatever its source was.
fn copied_checksum(request: &Request, source: &Object) -> Result<Option<Checksum>, S3Error> {
    let asked = asked_algorithm(&request.head, "x-amz-checksum-algorithm")?;
    let kept = source.checksum.as_ref();
    Ok(match (asked, kept) {
        (None, Some(kept)) if kept.kind == Kind::FullObject => Some(kept.clone()),
        (asked, kept) => {
            let algorithm = asked.or(kept.map(|it| it.algorithm));
            algorithm.map(|algorithm| Checksum::of(algorithm, &source.body))
        }
    })
}

/// Bucket, key and object that are to be copied.
fn source(api: &Api<'_>, request: &Request) -> Result<(String, String, Arc<Object>), S3Error> {
    let header = request.head.header("x-amz-copy-source").unwrap_or_default();
    let (path, version) = match header.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version)),
        None => (header.as_str(), None),
    };
    let path = decode(path)?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    let invalid = || {
        let message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
        S3Error::argument("x-amz-copy-source", &header, message)
    };
    let (bucket, key) = path.split_once('/').filter(|it| !it.1.is_empty()).ok_or_else(invalid)?;
    let object = api.state.bucket(bucket)?.get(key)?.clone();
    if let Some(version) = version.filter(|it| *it != "null") {
        return Err(S3Error::from(Code::NoSuchVersion).with("VersionId", version));
    }
    source_conditions(&request.head).check_source(&object)?;
    object.check_readable()?;
    Ok((bucket.to_owned(), key.to_owned(), object))
}

/// Unlike that of a GET, this range must lie within the object.
fn slice(source: &Object, header: &str) -> Result<Bytes, S3Error> {
    let invalid = |message| S3Error::argument("x-amz-copy-source-range", header, message);
    let bytes = range::range(header, source.size())?.ok_or_else(|| {
        invalid(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where \
                first and last are the zero-based offsets of the first and last bytes to copy",
        )
    })?;
    let last = header.rsplit_once('-').and_then(|(_, last)| last.parse::<u64>().ok());
    if last.is_some_and(|last| last >= source.size()) {
        return Err(invalid("Range specified is not valid for source object"));
    }
    let index = |at: u64| usize::try_from(at).expect("bodies are in memory");
    Ok(source.body.slice(index(bytes.start)..index(bytes.end)))
}
