//! Deletes many objects in one request, each with an answer of its own.

use serde::Deserialize;

use super::dispatch::{Api, Request};
use super::input::checksum;
use crate::error::{Code, S3Error};
use crate::interference::Call;
use crate::request::operation::Operation;
use crate::state::WriteConditions;
use crate::wire::digest::Algorithm;
use crate::wire::reply::Reply;
use crate::wire::xml::{Xml, parse};

const MAX_KEYS: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    #[serde(rename = "@xmlns")]
    _namespace: Option<String>,
    #[serde(default)]
    object: Vec<Named>,
    #[serde(default)]
    quiet: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "VersionId")]
    version: Option<String>,
    #[serde(rename = "ETag")]
    etag: Option<String>,
}

pub fn delete(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let head = &request.head;
    let trailing = |name: &str| request.trailers.iter().any(|(it, _)| it == name);
    let has = |name: &str| head.has_header(name) || trailing(name);
    if !has("content-md5") && !Algorithm::ALL.iter().any(|it| has(it.header())) {
        let message = "Missing required header for this request: Content-MD5";
        return Err(S3Error::new(Code::InvalidRequest, message));
    }
    checksum(request)?;
    let asked: Delete = parse(&request.body)?;
    if asked.object.is_empty() || asked.object.len() > MAX_KEYS {
        return Err(Code::MalformedXML.into());
    }
    let results: Vec<_> =
        asked.object.iter().map(|named| (named, one(api, request, named))).collect();
    let document = Xml::document("DeleteResult", |xml| {
        for (named, result) in &results {
            let element = match result {
                Ok(()) if asked.quiet => continue,
                Ok(()) => "Deleted",
                Err(_) => "Error",
            };
            xml.node(element, |xml| {
                xml.leaf("Key", &named.key).maybe("VersionId", named.version.as_ref());
                if let Err(error) = result {
                    xml.leaf("Code", error.code.name()).leaf("Message", &error.message);
                }
            });
        }
    });
    Ok(Reply::document(document))
}

fn one(api: &mut Api<'_>, request: &Request, named: &Named) -> Result<(), S3Error> {
    if let Some(other) = named.version.as_ref().filter(|it| !it.is_empty() && *it != "null") {
        return Err(S3Error::from(Code::NoSuchVersion).with("VersionId", other));
    }
    let call = Call {
        peer: api.peer,
        operation: Operation::DeleteObject,
        bucket: request.bucket(),
        key: &named.key,
    };
    let outcome = api.interference.strike(&call).outcome;
    if outcome.applies() {
        let conditions = WriteConditions { if_match: named.etag.clone(), if_absent: false };
        let now = api.now;
        api.bucket_mut(request)?.delete(&named.key, &conditions, now)?;
        api.changed(request.bucket(), &named.key);
    }
    outcome.code().map_or(Ok(()), |code| Err(code.into()))
}
