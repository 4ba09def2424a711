//! Listings of objects, in three generations.

use std::sync::Arc;

use super::bucket::owner;
use super::dispatch::{Api, Request};
use crate::error::S3Error;
use crate::request::head::encode_path;
use crate::state::{After, Entry, Object, Page, Selection};
use crate::wire::digest::{base64, unbase64};
use crate::wire::reply::{Reply, iso, quoted};
use crate::wire::xml::Xml;

/// Entries of a page, whatever is asked for.
pub const MAX_ENTRIES: usize = 1000;

/// How names are written into a document.
#[derive(Debug, Clone, Copy)]
pub enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    pub fn of(request: &Request) -> Result<Encoding, S3Error> {
        match request.head.query.get("encoding-type") {
            None | Some("") => Ok(Encoding::Plain),
            Some(it) if it.eq_ignore_ascii_case("url") => Ok(Encoding::Url),
            Some(other) => {
                let message = "Invalid Encoding Method specified in Request";
                Err(S3Error::argument("encoding-type", other, message))
            }
        }
    }

    pub fn write(self, name: &str) -> String {
        match self {
            Encoding::Plain => name.to_owned(),
            Encoding::Url => encode_path(name),
        }
    }

    pub fn name(self) -> Option<&'static str> {
        match self {
            Encoding::Plain => None,
            Encoding::Url => Some("url"),
        }
    }
}

struct Listing {
    selection: Selection,
    encoding: Encoding,
    page: Page<Arc<Object>>,
}

impl Listing {
    fn new(api: &Api<'_>, request: &Request, after: After) -> Result<Listing, S3Error> {
        let query = &request.head.query;
        let selection = Selection {
            prefix: query.get("prefix").unwrap_or_default().to_owned(),
            delimiter: query.get("delimiter").filter(|it| !it.is_empty()).map(str::to_owned),
            after,
            limit: query.number("max-keys", MAX_ENTRIES)?.min(MAX_ENTRIES),
        };
        let bucket = api.bucket(request)?;
        let page = bucket.list(&selection, api.listed());
        if api.listed() < api.now && page != bucket.list(&selection, api.now) {
            api.interference.listed_late();
        }
        Ok(Listing { selection, encoding: Encoding::of(request)?, page })
    }

    fn name(&self, name: &str) -> String {
        self.encoding.write(name)
    }

    /// What all generations say before the entries.
    fn begin(&self, xml: &mut Xml, request: &Request) {
        xml.leaf("Name", request.bucket()).leaf("Prefix", self.name(&self.selection.prefix));
        let delimiter = self.selection.delimiter.as_deref();
        xml.maybe("Delimiter", delimiter.map(|it| self.name(it)));
        xml.maybe("EncodingType", self.encoding.name());
        xml.leaf("MaxKeys", self.selection.limit);
        xml.leaf("IsTruncated", self.page.next.is_some());
    }

    fn entries(&self, xml: &mut Xml, element: &str, with_owner: bool) {
        for entry in &self.page.entries {
            let Entry::Key(key, object) = entry else { continue };
            xml.node(element, |xml| {
                xml.leaf("Key", self.name(key));
                if element == "Version" {
                    xml.leaf("VersionId", "null").leaf("IsLatest", true);
                }
                xml.leaf("LastModified", iso(object.modified));
                xml.leaf("ETag", quoted(&object.etag));
                if let Some(checksum) = &object.checksum {
                    xml.leaf("ChecksumAlgorithm", checksum.algorithm.name());
                    xml.leaf("ChecksumType", checksum.kind.name());
                }
                xml.leaf("Size", object.size());
                if with_owner {
                    owner(xml, "Owner");
                }
                xml.leaf("StorageClass", object.storage_class());
            });
        }
        for entry in &self.page.entries {
            let Entry::Prefix(prefix) = entry else { continue };
            xml.node("CommonPrefixes", |xml| {
                xml.leaf("Prefix", self.name(prefix));
            });
        }
    }

    /// Where the next page begins, as a marker.
    fn next_marker(&self) -> Option<String> {
        match self.page.next.as_ref()? {
            After::Key(name) | After::Prefix(name) => Some(self.name(name)),
            After::Start => None,
        }
    }
}

pub fn v1(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let marker = request.head.query.get("marker").unwrap_or_default();
    let listing = Listing::new(api, request, after(marker))?;
    let document = Xml::document("ListBucketResult", |xml| {
        listing.begin(xml, request);
        xml.leaf("Marker", listing.name(marker));
        // Without a delimiter, clients go on behind the last key.
        let next = listing.next_marker().filter(|_| listing.selection.delimiter.is_some());
        xml.maybe("NextMarker", next);
        listing.entries(xml, "Contents", true);
    });
    Ok(Reply::document(document))
}

pub fn v2(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let query = &request.head.query;
    let start_after = query.get("start-after");
    let token = query.get("continuation-token");
    let begin = match token {
        Some(token) => from_token(token)?,
        None => after(start_after.unwrap_or_default()),
    };
    let listing = Listing::new(api, request, begin)?;
    let document = Xml::document("ListBucketResult", |xml| {
        listing.begin(xml, request);
        xml.leaf("KeyCount", listing.page.entries.len());
        xml.maybe("ContinuationToken", token);
        xml.maybe("NextContinuationToken", listing.page.next.as_ref().map(to_token));
        xml.maybe("StartAfter", start_after.map(|it| listing.name(it)));
        listing.entries(xml, "Contents", query.get("fetch-owner") == Some("true"));
    });
    Ok(Reply::document(document))
}

/// Every object has one version, `null`.
pub fn versions(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let marker = request.head.query.get("key-marker").unwrap_or_default();
    let listing = Listing::new(api, request, after(marker))?;
    let document = Xml::document("ListVersionsResult", |xml| {
        listing.begin(xml, request);
        xml.leaf("KeyMarker", listing.name(marker)).leaf("VersionIdMarker", "");
        let next = listing.next_marker();
        xml.maybe("NextVersionIdMarker", next.as_ref().map(|_| "null"));
        xml.maybe("NextKeyMarker", next);
        listing.entries(xml, "Version", true);
    });
    Ok(Reply::document(document))
}

fn after(marker: &str) -> After {
    match marker {
        "" => After::Start,
        marker => After::Key(marker.to_owned()),
    }
}

/// Tokens say nothing to clients.
fn to_token(after: &After) -> String {
    let text = match after {
        After::Start => String::new(),
        After::Key(key) => format!("k{key}"),
        After::Prefix(prefix) => format!("p{prefix}"),
    };
    base64(text.as_bytes())
}

fn from_token(token: &str) -> Result<After, S3Error> {
    let text = unbase64(token).and_then(|bytes| String::from_utf8(bytes).ok());
    let after = text.as_deref().and_then(|text| {
        let key = text.strip_prefix('k').map(|key| After::Key(key.to_owned()));
        key.or_else(|| Some(After::Prefix(text.strip_prefix('p')?.to_owned())))
    });
    after.ok_or_else(|| {
        let message = "The continuation token provided is incorrect";
        S3Error::argument("continuation-token", token, message)
    })
}
