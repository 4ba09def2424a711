//! Tags of objects.

use http::StatusCode;
use serde::Deserialize;

use super::dispatch::{Api, Request, no_content};
use super::input::valid_tags;
use crate::error::S3Error;
use crate::state::Tags;
use crate::wire::reply::Reply;
use crate::wire::xml::{Xml, parse};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagging {
    tag_set: TagSet,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagSet {
    #[serde(default)]
    tag: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

pub fn get(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let object = api.bucket(request)?.get(request.key())?;
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
    let tagging: Tagging = parse(&request.body)?;
    let tags = tagging.tag_set.tag.into_iter().map(|tag| (tag.key, tag.value)).collect();
    let tags = valid_tags(tags)?;
    api.bucket_mut(request)?.set_tags(request.key(), tags)?;
    Ok(Reply::empty(StatusCode::OK))
}

pub fn delete(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    api.bucket_mut(request)?.set_tags(request.key(), Tags::new())?;
    no_content()
}
