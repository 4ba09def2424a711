//! Buckets as a whole.

use http::StatusCode;
use serde::Deserialize;

use super::acl;
use super::dispatch::{Api, Request, no_content};
use crate::error::{Code, S3Error};
use crate::request::operation::Preset;
use crate::wire::reply::{Reply, iso};
use crate::wire::xml::{Xml, parse};

/// The one account there is.
pub const OWNER: &str = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a";
pub const OWNER_NAME: &str = "simulated";

/// Of buckets, in one answer.
const MAX_LISTED: usize = 10_000;

pub fn owner(xml: &mut Xml, element: &str) {
    xml.node(element, |xml| {
        xml.leaf("ID", OWNER).leaf("DisplayName", OWNER_NAME);
    });
}

pub fn list(api: &Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let query = &request.head.query;
    let limit = query.number("max-buckets", MAX_LISTED)?;
    if !(1..=MAX_LISTED).contains(&limit) {
        let message = format!("Argument max-buckets must be an integer between 1 and {MAX_LISTED}");
        return Err(S3Error::argument("max-buckets", &limit.to_string(), message));
    }
    let prefix = query.get("prefix").unwrap_or_default();
    let after = query.get("continuation-token").unwrap_or_default();
    let elsewhere = query.get("bucket-region").is_some_and(|region| region != api.region);
    let mut matching = api.state.buckets().filter(|(name, _)| {
        !elsewhere && name.starts_with(prefix) && (after.is_empty() || *name > after)
    });
    let shown: Vec<_> = matching.by_ref().take(limit).collect();
    let last = shown.last().map(|(name, _)| *name);
    let token = last.filter(|_| matching.next().is_some());
    let document = Xml::document("ListAllMyBucketsResult", |xml| {
        owner(xml, "Owner");
        xml.node("Buckets", |xml| {
            for (name, bucket) in shown {
                xml.node("Bucket", |xml| {
                    xml.leaf("Name", name).leaf("CreationDate", iso(bucket.created));
                    xml.leaf("BucketRegion", api.region);
                });
            }
        });
        xml.maybe("ContinuationToken", token).maybe("Prefix", query.get("prefix"));
    });
    Ok(Reply::document(document))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    #[serde(rename = "@xmlns")]
    _namespace: Option<String>,
    #[serde(rename = "LocationConstraint", default)]
    location: String,
}

pub fn create(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let name = request.bucket();
    let locked = request.head.header("x-amz-bucket-object-lock-enabled");
    if locked.is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        return Err(Code::NotImplemented.into());
    }
    let ownership = request.head.header("x-amz-object-ownership");
    if ownership.is_some_and(|it| it != "BucketOwnerEnforced") {
        return Err(S3Error::from(Code::NotImplemented).with("Header", "x-amz-object-ownership"));
    }
    acl::check_new(&request.head, Code::InvalidBucketAclWithObjectOwnership)?;
    let Configuration { location, .. } = match request.body.is_empty() {
        true => Configuration::default(),
        false => parse(&request.body)?,
    };
    if is_misplaced(&location, api.region) {
        let message = format!(
            "The {location} location constraint is incompatible for the region specific endpoint \
             this request was sent to."
        );
        return Err(S3Error::new(Code::IllegalLocationConstraintException, message));
    }
    // One that was set up by hand may be called anything.
    if api.state.bucket(name).is_err() && !is_valid(name) {
        return Err(S3Error::from(Code::InvalidBucketName).with("BucketName", name));
    }
    match api.state.create_bucket(name, api.now) {
        // The oldest region still answers as it always did.
        Err(error) if error.code == Code::BucketAlreadyOwnedByYou && api.region == "us-east-1" => {}
        created => created?,
    }
    Ok(Reply::empty(StatusCode::OK).with("location", format!("/{name}")))
}

pub fn head(api: &Api<'_>) -> Result<Reply, S3Error> {
    let reply = Reply::empty(StatusCode::OK).with("x-amz-bucket-region", api.region);
    Ok(reply.with("content-type", "application/xml"))
}

pub fn delete(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    api.state.delete_bucket(request.bucket())?;
    no_content()
}

pub fn location(api: &Api<'_>) -> Result<Reply, S3Error> {
    let region = if api.region == "us-east-1" { "" } else { api.region };
    let document = Xml::document("LocationConstraint", |xml| xml.text(region));
    Ok(Reply::document(document))
}

pub fn versioning() -> Result<Reply, S3Error> {
    Ok(Reply::document(Xml::document("VersioningConfiguration", |_| {})))
}

pub fn preset(preset: Preset) -> Result<Reply, S3Error> {
    let document = match preset {
        Preset::Accelerate => Xml::document("AccelerateConfiguration", |_| {}),
        Preset::Logging => Xml::document("BucketLoggingStatus", |_| {}),
        Preset::Notification => Xml::document("NotificationConfiguration", |_| {}),
        Preset::RequestPayment => Xml::document("RequestPaymentConfiguration", |xml| {
            xml.leaf("Payer", "BucketOwner");
        }),
    };
    Ok(Reply::document(document))
}

/// From the oldest region buckets are made in any; here that is the same place.
fn is_misplaced(location: &str, region: &str) -> bool {
    !location.is_empty() && location != region && region != "us-east-1"
}

/// The rules for names of buckets, but for reserved prefixes and suffixes.
fn is_valid(name: &str) -> bool {
    let inner = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || ".-".contains(it);
    let end = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(inner)
        && name.starts_with(end)
        && name.ends_with(end)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::{is_misplaced, is_valid};

    #[test]
    fn a_region_makes_no_buckets_for_others_but_the_oldest_does() {
        assert!(is_misplaced("eu-west-1", "eu-central-1"));
        assert!(!is_misplaced("eu-west-1", "eu-west-1") && !is_misplaced("", "eu-west-1"));
        assert!(!is_misplaced("eu-west-1", "us-east-1"));
    }

    #[test]
    fn names_of_buckets_follow_the_rules() {
        assert!(["abc", "a-b.c", "0bucket9"].iter().all(|name| is_valid(name)));
        let bad = ["ab", "Abc", "-ab", "ab-", "a..b", "a_b", "10.0.0.1", &"a".repeat(64)];
        assert_eq!(bad.iter().filter(|name| is_valid(name)).count(), 0);
    }
}
