//! Access control lists, of which there is one: everything belongs to its owner alone.

use http::StatusCode;
use serde::Deserialize;

use super::bucket::{OWNER, OWNER_NAME, owner};
use super::dispatch::{Api, Request};
use super::input::{check_version, checksum};
use crate::error::{Code, S3Error};
use crate::request::head::Head;
use crate::wire::reply::Reply;
use crate::wire::xml::{Xml, parse};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    #[serde(rename = "@xmlns")]
    _namespace: Option<String>,
    #[serde(rename = "Owner")]
    _owner: Option<Named>,
    #[serde(rename = "AccessControlList")]
    list: List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(rename = "Grant", default)]
    grants: Vec<Grant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    #[serde(rename = "Grantee")]
    grantee: Named,
    #[serde(rename = "Permission")]
    permission: String,
}

/// Groups and addresses are nobody here: such a grant is refused.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "ID")]
    id: Option<String>,
}

pub fn get(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    check_exists(api, request)?;
    check_version(&request.head)?;
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
    check_version(head)?;
    checksum(request)?;
    let owners = match named(head) {
        Some(owners) => owners,
        None => {
            let Policy { list, .. } = parse(&request.body)?;
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

/// Whether the headers of a request leave everything to its owner; none if they grant nothing.
fn named(head: &Head) -> Option<bool> {
    if head.headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-")) {
        return Some(false);
    }
    let canned = head.header("x-amz-acl")?;
    Some(["private", "bucket-owner-full-control"].contains(&canned.as_str()))
}

/// Refuses a new bucket or object that is to be others', too.
pub fn check_new(head: &Head, refusal: Code) -> Result<(), S3Error> {
    match named(head) {
        Some(false) => Err(refusal.into()),
        _ => Ok(()),
    }
}

fn check_exists(api: &Api<'_>, request: &Request) -> Result<(), S3Error> {
    match request.key() {
        "" => Ok(()),
        key => api.bucket(request)?.get(key).map(drop),
    }
}
