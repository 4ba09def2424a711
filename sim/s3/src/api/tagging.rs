//! Tags of objects.

use http::StatusCode;
use serde::Deserialize;

use super::dispatch::{Api, Request, no_content};
use super::input::{check_version, checksum, valid_tags};
use crate::error::S3Error;
use crate::request::head::encode;
use crate::state::Tags;
use crate::wire::reply::Reply;
use crate::wire::xml::{Xml, parse};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tagging {
    #[serde(rename = "@xmlns")]
    _namespace: Option<String>,
    tag_set: TagSet,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagSet {
    #[serde(default)]
    tag: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

pub fn get(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let object = api.bucket(request)?.get(request.key())?;
    check_version(&request.head)?;
    let document = Xml::document("Tagging", |xml| {
        xml.node("TagSet", |xml| {
            for (key, value) in &object.tags {
                xml.node("Tag", |xml| {
                    xml.leaf("Key", key).leaf("Value", value);
                });
            }
        });
    });
    Ok(Reply::document(document))
}

pub fn put(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    check_version(&request.head)?;
    checksum(request)?;
    let tags = valid_tags(read(&request.body)?)?;
    api.bucket_mut(request)?.set_tags(request.key(), tags)?;
    Ok(Reply::empty(StatusCode::OK))
}

fn read(document: &[u8]) -> Result<Tags, S3Error> {
    let tagging: Tagging = parse(document)?;
    Ok(tagging.tag_set.tag.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// The document in a form's field, as the header says the same.
pub fn of_form(document: &str) -> Result<String, S3Error> {
    let tags = read(document.as_bytes())?;
    let tags = tags.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value)));
    Ok(tags.collect::<Vec<_>>().join("&"))
}

pub fn delete(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    check_version(&request.head)?;
    api.bucket_mut(request)?.set_tags(request.key(), Tags::new())?;
    no_content()
}
