//! Listings of uploads under way and of their parts.

use std::collections::BTreeMap;

use super::bucket::owner;
use super::dispatch::{Api, Request};
use super::listing::{Encoding, MAX_ENTRIES};
use crate::error::S3Error;
use crate::state::{After, Entry, Selection, Upload, page};
use crate::wire::reply::{Reply, iso, quoted};
use crate::wire::xml::Xml;

/// Between key and id in the order of uploads: no key holds it.
const SEPARATOR: char = '\u{0}';

pub fn parts(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let query = &request.head.query;
    let id = query.get("uploadId").unwrap_or_default();
    let upload = api.bucket(request)?.upload(request.key(), id)?;
    let limit = query.number("max-parts", MAX_ENTRIES)?.min(MAX_ENTRIES);
    let marker = query.number("part-number-marker", 0)?;
    let mut rest = upload.parts.iter().filter(|(number, _)| usize::from(**number) > marker);
    let shown: Vec<_> = rest.by_ref().take(limit).collect();
    let last = shown.last().map_or(marker, |(number, _)| usize::from(**number));
    let truncated = limit > 0 && rest.next().is_some();
    let document = Xml::document("ListPartsResult", |xml| {
        xml.leaf("Bucket", request.bucket()).leaf("Key", request.key()).leaf("UploadId", id);
        owner(xml, "Initiator");
        owner(xml, "Owner");
        xml.leaf("StorageClass", upload.storage_class()).leaf("PartNumberMarker", marker);
        xml.leaf("NextPartNumberMarker", last).leaf("MaxParts", limit);
        xml.leaf("IsTruncated", truncated);
        xml.maybe("ChecksumAlgorithm", upload.checksum().map(|(algorithm, _)| algorithm.name()));
        xml.maybe("ChecksumType", upload.checksum().map(|(_, kind)| kind.name()));
        for (number, part) in shown {
            xml.node("Part", |xml| {
                xml.leaf("PartNumber", number).leaf("LastModified", iso(part.modified));
                xml.leaf("ETag", quoted(&part.etag)).leaf("Size", part.body.len());
                if let Some(checksum) = &part.checksum {
                    xml.leaf(checksum.algorithm.element(), &checksum.value);
                }
            });
        }
    });
    Ok(Reply::document(document))
}

pub fn uploads(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let query = &request.head.query;
    let text = |name| query.get(name).unwrap_or_default();
    let (key_marker, id_marker) = (text("key-marker"), text("upload-id-marker"));
    let delimiter = query.get("delimiter").filter(|it| !it.is_empty());
    let after = match (key_marker, id_marker) {
        ("", _) => After::Start,
        (prefix, "") if delimiter.is_some_and(|it| prefix.ends_with(it)) => {
            After::Prefix(prefix.to_owned())
        }
        // Behind all uploads of that key.
        (key, "") => After::Prefix(format!("{key}{SEPARATOR}")),
        (key, id) => After::Key(format!("{key}{SEPARATOR}{id}")),
    };
    let selection = Selection {
        prefix: text("prefix").to_owned(),
        delimiter: delimiter.map(str::to_owned),
        after,
        limit: query.number("max-uploads", MAX_ENTRIES)?.min(MAX_ENTRIES),
    };
    let encoding = Encoding::of(request)?;
    let bucket = api.bucket(request)?;
    let all: BTreeMap<String, (&str, &str, &Upload)> =
        bucket.uploads().map(|it| (format!("{}{SEPARATOR}{}", it.0, it.1), it)).collect();
    let page = page(&all, &selection, Some);
    let next = page.next.as_ref().map(|after| match after {
        After::Key(name) | After::Prefix(name) => name.split_once(SEPARATOR).unwrap_or((name, "")),
        After::Start => ("", ""),
    });
    let document = Xml::document("ListMultipartUploadsResult", |xml| {
        xml.leaf("Bucket", request.bucket()).leaf("KeyMarker", encoding.write(key_marker));
        xml.leaf("UploadIdMarker", id_marker);
        xml.maybe("NextKeyMarker", next.map(|(key, _)| encoding.write(key)));
        xml.maybe("NextUploadIdMarker", next.map(|(_, id)| id));
        xml.maybe("Delimiter", selection.delimiter.as_deref().map(|it| encoding.write(it)));
        xml.leaf("Prefix", encoding.write(&selection.prefix)).leaf("MaxUploads", selection.limit);
        xml.maybe("EncodingType", encoding.name()).leaf("IsTruncated", next.is_some());
        for entry in &page.entries {
            let _ = match entry {
                Entry::Key(_, (key, id, upload)) => xml.node("Upload", |xml| {
                    xml.leaf("Key", encoding.write(key)).leaf("UploadId", id);
                    owner(xml, "Initiator");
                    owner(xml, "Owner");
                    xml.leaf("StorageClass", upload.storage_class());
                    xml.leaf("Initiated", iso(upload.initiated));
                    if let Some((algorithm, kind)) = upload.checksum() {
                        xml.leaf("ChecksumAlgorithm", algorithm.name());
                        xml.leaf("ChecksumType", kind.name());
                    }
                }),
                Entry::Prefix(prefix) => xml.node("CommonPrefixes", |xml| {
                    xml.leaf("Prefix", encoding.write(prefix));
                }),
            };
        }
    });
    Ok(Reply::document(document))
}
