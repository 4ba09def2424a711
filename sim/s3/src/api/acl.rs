//! Access control lists, of which there is one: everything belongs to its owner alone.

use http::StatusCode;
use serde::Deserialize;

use super::bucket::{OWNER, OWNER_NAME, owner};
use super::dispatch::{Api, Request};
use crate::error::{Code, S3Error};
use crate::wire::reply::Reply;
use crate::wire::xml::{Xml, parse};

#[derive(Deserialize)]
struct Policy {
    #[serde(rename = "AccessControlList")]
    list: List,
}

#[derive(Deserialize)]
struct List {
    #[serde(rename = "Grant", default)]
    grants: Vec<Grant>,
}

#[derive(Deserialize)]
struct Grant {
    #[serde(rename = "Grantee")]
    grantee: Grantee,
    #[serde(rename = "Permission")]
    permission: String,
}

#[derive(Deserialize)]
struct Grantee {
    #[serde(rename = "ID")]
    id: Option<String>,
}

pub fn get(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    check_exists(api, request)?;
    let grantee = "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
        xsi:type=\"CanonicalUser\">";
    let document = Xml::document("AccessControlPolicy", |xml| {
        owner(xml, "Owner");
        xml.node("AccessControlList", |xml| {
            xml.node("Grant", |xml| {
                xml.raw(grantee).leaf("ID", OWNER).leaf("DisplayName", OWNER_NAME);
                xml.raw("</Grantee>").leaf("Permission", "FULL_CONTROL");
            });
        });
    });
    Ok(Reply::document(document))
}

/// As in a bucket without access control lists: only the list that is there already may be set.
pub fn put(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    check_exists(api, request)?;
    let head = &request.head;
    let owners = match head.header("x-amz-acl") {
        Some(canned) => ["private", "bucket-owner-full-control"].contains(&canned.as_str()),
        None if head.headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-")) => false,
        None => {
            let Policy { list } = parse(&request.body)?;
            list.grants.iter().all(|grant| {
                grant.grantee.id.as_deref() == Some(OWNER) && grant.permission == "FULL_CONTROL"
            })
        }
    };
    match owners {
        true => Ok(Reply::empty(StatusCode::OK)),
        false => Err(Code::AccessControlListNotSupported.into()),
    }
}

fn check_exists(api: &Api<'_>, request: &Request) -> Result<(), S3Error> {
    match request.key() {
        "" => Ok(()),
        key => api.bucket(request)?.get(key).map(drop),
    }
}
