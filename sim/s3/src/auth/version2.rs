//! Signature version 2, which some clients still use for presigned URLs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::signed::{Keys, MAX_SKEW, http_date, same, signing_date, skewed};
use crate::error::{Code, S3Error};
use crate::request::head::Head;
use crate::wire::digest::{base64, hmac_sha1};

/// Parameters that are part of the resource.
const SIGNED_PARAMETERS: [&str; 30] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "website",
];

/// Verifies an `Authorization: AWS key:signature`.
pub fn verify_header(head: &Head, text: &str, keys: &Keys, now: Timestamp) -> Result<(), S3Error> {
    let (key, signature) = text.split_once(':').ok_or_else(|| {
        let message = "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature";
        S3Error::new(Code::InvalidArgument, message)
    })?;
    let amz_date = head.header("x-amz-date");
    let date = head.header("date").unwrap_or_default();
    let claimed = amz_date.as_ref().unwrap_or(&date);
    let time = http_date(claimed).or_else(|| signing_date(claimed)).ok_or_else(|| {
        let message = "AWS authentication requires a valid Date or x-amz-date header";
        S3Error::new(Code::AccessDenied, message)
    })?;
    if now.duration_since(time).unsigned_abs() > MAX_SKEW {
        return Err(skewed(claimed, now));
    }
    let line = if amz_date.is_some() { "" } else { date.as_str() };
    check(head, line, key, signature, keys)
}

/// Verifies a presigned URL.
pub fn verify_query(head: &Head, keys: &Keys, now: Timestamp) -> Result<(), S3Error> {
    let field = |name| {
        let message = "Query-string authentication requires the Signature, Expires and \
            AWSAccessKeyId parameters";
        head.query.get(name).ok_or_else(|| S3Error::new(Code::AccessDenied, message))
    };
    let expires = field("Expires")?;
    let until = expires.parse().ok().and_then(|it| Timestamp::from_second(it).ok());
    let until = until.ok_or_else(|| {
        let message = format!("Invalid date (should be seconds since epoch): {expires}");
        S3Error::new(Code::AccessDenied, message)
    })?;
    if until < now {
        let error = S3Error::new(Code::AccessDenied, "Request has expired");
        return Err(error.with("ServerTime", now.strftime("%Y-%m-%dT%H:%M:%SZ")));
    }
    check(head, expires, field("AWSAccessKeyId")?, field("Signature")?, keys)
}

fn check(head: &Head, date: &str, key: &str, signature: &str, keys: &Keys) -> Result<(), S3Error> {
    let unknown = || S3Error::from(Code::InvalidAccessKeyId).with("AWSAccessKeyId", key);
    let secret = keys.get(key).ok_or_else(unknown)?;
    let fits = |text: &str| {
        let expected = base64(&hmac_sha1(secret.as_bytes(), text.as_bytes()));
        same(&expected, signature)
    };
    let text = text(head, date, "");
    // Some clients sign a bucket's path as if it ended with a slash.
    let is_bucket = head.key.is_none() && !head.raw_path.ends_with('/');
    if fits(&text) || is_bucket && fits(&self::text(head, date, "/")) {
        return Ok(());
    }
    Err(S3Error::from(Code::SignatureDoesNotMatch)
        .with("AWSAccessKeyId", key)
        .with("StringToSign", text)
        .with("SignatureProvided", signature))
}

/// What is signed; `slash` is what the client put behind the path.
fn text(head: &Head, date: &str, slash: &str) -> String {
    let header = |name| head.header(name).unwrap_or_default();
    let names = head.headers.keys().map(|name| name.as_str());
    let amz: BTreeMap<_, _> =
        names.filter(|name| name.starts_with("x-amz-")).map(|name| (name, header(name))).collect();
    let amz: String =
        amz.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let bucket = match (&head.bucket, head.named_by_host) {
        (Some(bucket), true) => format!("/{bucket}"),
        _ => String::new(),
    };
    let parameters: BTreeMap<_, _> =
        head.query.pairs().filter(|(name, _)| SIGNED_PARAMETERS.contains(name)).collect();
    let parameters: Vec<_> = parameters
        .into_iter()
        .map(|(name, value)| match value {
            "" => name.to_owned(),
            value => format!("{name}={value}"),
        })
        .collect();
    let separator = if parameters.is_empty() { "" } else { "?" };
    format!(
        "{}\n{}\n{}\n{date}\n{amz}{bucket}{}{slash}{separator}{}",
        head.method,
        header("content-md5"),
        header("content-type"),
        head.raw_path,
        parameters.join("&"),
    )
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;

    #[test]
    fn the_path_of_a_bucket_may_be_signed_with_a_slash_behind_it() {
        let keys = Keys::from([("id".to_owned(), "secret".to_owned())]);
        let verify = |target: &str, signed: &str| {
            let text = format!("GET\n\n\n9\n{signed}");
            let signature =
                crate::request::head::encode(&base64(&hmac_sha1(b"secret", text.as_bytes())));
            let uri = format!("{target}?AWSAccessKeyId=id&Expires=9&Signature={signature}");
            let head = Head::parse(Method::GET, &uri.parse().unwrap(), HeaderMap::new(), None);
            verify_query(&head.unwrap(), &keys, Timestamp::UNIX_EPOCH).is_ok()
        };
        assert!(verify("/b", "/b") && verify("/b", "/b/") && verify("/b/", "/b/"));
        assert!(verify("/b/k", "/b/k") && !verify("/b/k", "/b/k/") && !verify("/b", "/c/"));
    }
}
