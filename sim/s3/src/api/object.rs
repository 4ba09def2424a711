//! Single objects.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::dispatch::{Api, Request, no_content};
use super::input::{ENCRYPTION, check_version, checksum, conditions, header_tags, object_headers};
use super::range;
use crate::error::{Code, S3Error};
use crate::state::{NewObject, Object};
use crate::wire::digest::Checksum;
use crate::wire::reply::{Reply, http_date, quoted};
use crate::wire::xml::Xml;

/// Of a PUT; larger objects come in parts.
const MAX_PUT_BYTES: usize = 5 * 1024 * 1024 * 1024;

/// Parameters that replace headers of an answer.
const OVERRIDES: [(&str, &str); 6] = [
    ("response-cache-control", "cache-control"),
    ("response-content-disposition", "content-disposition"),
    ("response-content-encoding", "content-encoding"),
    ("response-content-language", "content-language"),
    ("response-content-type", "content-type"),
    ("response-expires", "expires"),
];

pub fn put(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    check_size(request)?;
    let checksum = checksum(request)?;
    let conditions = api.write_conditions(request)?;
    let new = NewObject {
        body: request.body.clone(),
        headers: object_headers(&request.head)?,
        tags: header_tags(&request.head)?,
        checksum,
    };
    let now = api.now;
    let object = api.bucket_mut(request)?.put(request.key(), new, &conditions, now)?;
    api.changed(request.bucket(), request.key());
    let reply = Reply::empty(StatusCode::OK)
        .with("etag", quoted(&object.etag))
        .with_some(ENCRYPTION, object.headers.get(ENCRYPTION));
    Ok(with_checksum(reply, object.checksum.as_ref()))
}

pub fn check_size(request: &Request) -> Result<(), S3Error> {
    let size = request.body.len();
    if size <= MAX_PUT_BYTES {
        return Ok(());
    }
    Err(S3Error::from(Code::EntityTooLarge)
        .with("ProposedSize", size)
        .with("MaxSizeAllowed", MAX_PUT_BYTES))
}

/// GET and HEAD.
pub fn get(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let head = &request.head;
    let object = api.bucket(request)?.get(request.key())?;
    check_version(head)?;
    if let Err(error) = conditions(head).check(object) {
        let not_modified = error.code == Code::NotModified;
        return if not_modified { Ok(unchanged(object)) } else { Err(error) };
    }
    if head.method == Method::GET {
        object.check_readable()?;
    }
    let mut reply = described(object);
    for (parameter, header) in OVERRIDES {
        reply = reply.with_some(header, head.query.get(parameter));
    }
    let size = object.size();
    let asked = match (head.query.get("partNumber"), head.header("range")) {
        (Some(number), _) => {
            let parts = object.parts.len();
            reply = reply.with_some("x-amz-mp-parts-count", (parts > 0).then_some(parts));
            Some(range::part(number, &object.parts, size)?)
        }
        (None, Some(header)) => range::range(&header, size)?,
        (None, None) => None,
    };
    let body = match asked {
        None => object.body.clone(),
        Some(bytes) => {
            let (start, end) = (bytes.start, bytes.end);
            let last = end.saturating_sub(1);
            reply.status = StatusCode::PARTIAL_CONTENT;
            reply = reply.with("content-range", format!("bytes {start}-{last}/{size}"));
            let index = |at: u64| usize::try_from(at).expect("bodies are in memory");
            object.body.slice(index(start)..index(end))
        }
    };
    let whole = reply.status == StatusCode::OK;
    if whole && head.header("x-amz-checksum-mode").as_deref() == Some("ENABLED") {
        reply = with_checksum(reply, Some(&object.checksum()));
    }
    match head.method {
        Method::HEAD => Ok(Reply { length: Some(body.len() as u64), ..reply }),
        _ => Ok(Reply { body, ..reply }),
    }
}

pub fn attributes(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let object = api.bucket(request)?.get(request.key())?;
    check_version(&request.head)?;
    let asked = request.head.header("x-amz-object-attributes").unwrap_or_default();
    let asked: Vec<_> = asked.split(',').map(str::trim).collect();
    let known = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
    if let Some(other) = asked.iter().find(|it| !known.contains(it)) {
        let message = "Invalid attribute name specified.";
        return Err(S3Error::argument("x-amz-object-attributes", other, message));
    }
    let wanted = |name| asked.contains(&name);
    let document = Xml::document("GetObjectAttributesResponse", |xml| {
        if wanted("ETag") {
            xml.leaf("ETag", &object.etag);
        }
        if wanted("Checksum") {
            let checksum = object.checksum();
            xml.node("Checksum", |xml| {
                xml.leaf(checksum.algorithm.element(), &checksum.value);
                xml.leaf("ChecksumType", checksum.kind.name());
            });
        }
        if wanted("ObjectParts") && !object.parts.is_empty() {
            xml.node("ObjectParts", |xml| {
                xml.leaf("PartsCount", object.parts.len());
            });
        }
        if wanted("StorageClass") {
            xml.leaf("StorageClass", object.storage_class());
        }
        if wanted("ObjectSize") {
            xml.leaf("ObjectSize", object.size());
        }
    });
    Ok(Reply::document(document).with("last-modified", http_date(object.modified)))
}

pub fn delete(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    check_version(&request.head)?;
    let conditions = api.write_conditions(request)?;
    let now = api.now;
    api.bucket_mut(request)?.delete(request.key(), &conditions, now)?;
    api.changed(request.bucket(), request.key());
    no_content()
}

pub fn with_checksum(reply: Reply, checksum: Option<&Checksum>) -> Reply {
    match checksum {
        Some(checksum) => reply
            .with(checksum.algorithm.header(), &checksum.value)
            .with("x-amz-checksum-type", checksum.kind.name()),
        None => reply,
    }
}

fn described(object: &Arc<Object>) -> Reply {
    let mut reply = Reply::empty(StatusCode::OK)
        .with("accept-ranges", "bytes")
        .with("last-modified", http_date(object.modified))
        .with("etag", quoted(&object.etag));
    for (name, value) in &object.headers {
        if name != "x-amz-storage-class" || value != "STANDARD" {
            reply = reply.with(name, value);
        }
    }
    let tags = object.tags.len();
    reply.with_some("x-amz-tagging-count", (tags > 0).then_some(tags))
}

fn unchanged(object: &Object) -> Reply {
    Reply::empty(StatusCode::NOT_MODIFIED)
        .with("last-modified", http_date(object.modified))
        .with("etag", quoted(&object.etag))
}
