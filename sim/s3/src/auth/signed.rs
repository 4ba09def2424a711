//! Verifies the signature of a request's head.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use subtle::ConstantTimeEq;

use super::{canonical, version2};
use crate::error::{Code, S3Error};
use crate::request::head::Head;
use crate::wire::digest::{hmac, sha256_hex};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far a client's clock may be off.
pub const MAX_SKEW: Duration = Duration::from_secs(15 * 60);
const MAX_EXPIRES_SECS: u64 = 7 * 24 * 3600;

const BAD_CREDENTIAL: &str = "the Credential is mal-formed; expecting \
    \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";

/// Access keys and their secrets.
pub type Keys = BTreeMap<String, String>;

/// What the signature says about the body.
#[derive(Debug, Clone)]
pub enum Payload {
    Unsigned,
    /// SHA-256 in hexadecimal.
    Hash(String),
    /// `aws-chunked`. With a chain, every chunk is signed.
    Chunks {
        chain: Option<Chain>,
        trailer: bool,
    },
}

/// The state of a chain of signatures.
#[derive(Debug, Clone)]
pub struct Chain {
    key: [u8; 32],
    date: String,
    scope: String,
    previous: String,
}

impl Chain {
    /// Whether `signature` is the next one, over the parts that are given.
    pub fn next(&mut self, kind: &str, parts: &[&str], signature: &str) -> Result<(), S3Error> {
        let text = format!(
            "{ALGORITHM}-{kind}\n{}\n{}\n{}\n{}",
            self.date,
            self.scope,
            self.previous,
            parts.join("\n")
        );
        let expected = hex::encode(hmac(&self.key, text.as_bytes()));
        if !same(&expected, signature) {
            return Err(mismatch(&text, None, signature));
        }
        self.previous = expected;
        Ok(())
    }
}

/// A signature as it is claimed.
struct Claim {
    access_key: String,
    /// Day, region, service and terminator.
    scope: [String; 4],
    signed: Vec<String>,
    signature: String,
    date: String,
    /// Of a signature in the query: for how long.
    expires: Option<Duration>,
}

/// Verifies who asks; answers how the body is to be verified.
pub fn verify(head: &Head, keys: &Keys, region: &str, now: Timestamp) -> Result<Payload, S3Error> {
    let claim = match head.header("authorization") {
        Some(text) => match text.strip_prefix("AWS ") {
            Some(text) => {
                version2::verify_header(head, text, keys, now)?;
                return Ok(Payload::Unsigned);
            }
            None => in_header(head, &text)?,
        },
        None if head.query.has("X-Amz-Algorithm") => in_query(head)?,
        None if head.query.has("Signature") => {
            version2::verify_query(head, keys, now)?;
            return Ok(Payload::Unsigned);
        }
        None => return Err(Code::AccessDenied.into()),
    };
    check_scope(&claim, region)?;
    check_time(&claim, now)?;
    let secret = keys.get(&claim.access_key).ok_or_else(|| {
        S3Error::from(Code::InvalidAccessKeyId).with("AWSAccessKeyId", &claim.access_key)
    })?;
    let presigned = claim.expires.is_some();
    let said = head.header("x-amz-content-sha256");
    let said = said.or(presigned.then(|| "UNSIGNED-PAYLOAD".to_owned()));
    let said = said.ok_or_else(|| {
        let message = "Missing required header for this request: x-amz-content-sha256";
        S3Error::new(Code::InvalidRequest, message)
    })?;
    let signed: Vec<_> = claim.signed.iter().map(String::as_str).collect();
    if !signed.contains(&"host") {
        return Err(S3Error::new(Code::AccessDenied, "There were headers that must be signed")
            .with("HeadersNotSigned", "host"));
    }
    let canonical = canonical::request(head, &signed, &said);
    let scope = claim.scope.join("/");
    let digest = sha256_hex(canonical.as_bytes());
    let text = format!("{ALGORITHM}\n{}\n{scope}\n{digest}", claim.date);
    let key = signing_key(secret, &claim.scope);
    let expected = hex::encode(hmac(&key, text.as_bytes()));
    if !same(&expected, &claim.signature) {
        let error = mismatch(&text, Some(&canonical), &claim.signature);
        return Err(error.with("AWSAccessKeyId", claim.access_key));
    }
    payload(&said, Chain { key, date: claim.date, scope, previous: expected })
}

/// The key of a day, region and service.
pub fn signing_key(secret: &str, scope: &[String; 4]) -> [u8; 32] {
    let key = hmac(format!("AWS4{secret}").as_bytes(), scope[0].as_bytes());
    scope[1..].iter().fold(key, |key, part| hmac(&key, part.as_bytes()))
}

fn payload(said: &str, chain: Chain) -> Result<Payload, S3Error> {
    let chunks = |chain, trailer| Ok(Payload::Chunks { chain, trailer });
    match said {
        "UNSIGNED-PAYLOAD" => Ok(Payload::Unsigned),
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => chunks(None, true),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => chunks(Some(chain), false),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => chunks(Some(chain), true),
        hash if hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit()) => {
            Ok(Payload::Hash(hash.to_ascii_lowercase()))
        }
        other => {
            let message = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, \
                STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, \
                STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.";
            Err(S3Error::argument("x-amz-content-sha256", other, message))
        }
    }
}

fn in_header(head: &Head, text: &str) -> Result<Claim, S3Error> {
    let malformed = |what: &str| {
        let message = format!("The authorization header is malformed; {what}");
        S3Error::new(Code::AuthorizationHeaderMalformed, message)
    };
    let rest = text.strip_prefix(ALGORITHM).ok_or_else(unsupported)?;
    let fields: BTreeMap<_, _> =
        rest.split(',').filter_map(|field| field.trim().split_once('=')).collect();
    let field = |name: &str| {
        let missing = || malformed(&format!("the {name} is missing."));
        fields.get(name).copied().ok_or_else(missing)
    };
    let (access_key, scope) =
        credential(field("Credential")?).ok_or_else(|| malformed(BAD_CREDENTIAL))?;
    let date = match head.header("x-amz-date") {
        Some(date) => date,
        None => {
            let date = head.header("date").and_then(|date| http_date(&date));
            let missing = || {
                let message = "AWS authentication requires a valid Date or x-amz-date header";
                S3Error::new(Code::AccessDenied, message)
            };
            compact(date.ok_or_else(missing)?)
        }
    };
    Ok(Claim {
        access_key,
        scope,
        signed: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
        signature: field("Signature")?.to_owned(),
        date,
        expires: None,
    })
}

fn in_query(head: &Head) -> Result<Claim, S3Error> {
    let wrong =
        |message: &str| S3Error::new(Code::AuthorizationQueryParametersError, message.to_owned());
    let field = |name: &str| {
        let message = "Query-string authentication version 4 requires the X-Amz-Algorithm, \
            X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires \
            parameters.";
        head.query.get(name).ok_or_else(|| wrong(message))
    };
    if field("X-Amz-Algorithm")? != ALGORITHM {
        return Err(wrong(
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"",
        ));
    }
    let (access_key, scope) = credential(field("X-Amz-Credential")?).ok_or_else(|| {
        wrong(&format!("Error parsing the X-Amz-Credential parameter; {BAD_CREDENTIAL}"))
    })?;
    let expires = field("X-Amz-Expires")?.parse::<u64>();
    let expires = expires.map_err(|_| wrong("X-Amz-Expires should be a number"))?;
    if expires > MAX_EXPIRES_SECS {
        return Err(wrong(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given \
             X-Amz-Expires must be less than 604800 seconds",
        ));
    }
    Ok(Claim {
        access_key,
        scope,
        signed: field("X-Amz-SignedHeaders")?.split(';').map(str::to_owned).collect(),
        signature: field("X-Amz-Signature")?.to_owned(),
        date: field("X-Amz-Date")?.to_owned(),
        expires: Some(Duration::from_secs(expires)),
    })
}

/// Access key and scope. An access key may hold slashes.
pub fn credential(text: &str) -> Option<(String, [String; 4])> {
    let mut parts = text.rsplitn(5, '/').map(str::to_owned);
    let [end, service, region, day, key] = std::array::from_fn(|_| parts.next());
    Some((key?, [day?, region?, service?, end?]))
}

fn check_scope(claim: &Claim, region: &str) -> Result<(), S3Error> {
    let code = match claim.expires {
        Some(_) => Code::AuthorizationQueryParametersError,
        None => Code::AuthorizationHeaderMalformed,
    };
    let wrong =
        |what: String| S3Error::new(code, format!("The authorization header is malformed; {what}"));
    let [day, asked, service, end] = &claim.scope;
    if asked != region {
        let what = format!("the region '{asked}' is wrong; expecting '{region}'");
        return Err(wrong(what).with("Region", region));
    }
    if service != "s3" || end != "aws4_request" {
        return Err(wrong(format!("the service '{service}' is wrong; expecting 's3'")));
    }
    if !claim.date.starts_with(day.as_str()) {
        return Err(wrong(format!(
            "Invalid credential date \"{day}\"; it is not the signing date"
        )));
    }
    Ok(())
}

fn check_time(claim: &Claim, now: Timestamp) -> Result<(), S3Error> {
    let bad_date =
        || S3Error::new(Code::AccessDenied, "Invalid date: it must be in ISO8601 format");
    let date = signing_date(&claim.date).ok_or_else(bad_date)?;
    let off = now.duration_since(date).unsigned_abs();
    let early = date > now;
    let Some(expires) = claim.expires else {
        if off <= MAX_SKEW {
            return Ok(());
        }
        return Err(skewed(&claim.date, now));
    };
    if early && off > MAX_SKEW {
        return Err(S3Error::new(Code::AccessDenied, "Request is not yet valid"));
    }
    if !early && off > expires {
        return Err(S3Error::new(Code::AccessDenied, "Request has expired")
            .with("X-Amz-Expires", expires.as_secs())
            .with("ServerTime", now.strftime("%Y-%m-%dT%H:%M:%SZ")));
    }
    Ok(())
}

pub fn skewed(claimed: &str, now: Timestamp) -> S3Error {
    S3Error::from(Code::RequestTimeTooSkewed)
        .with("RequestTime", claimed)
        .with("ServerTime", now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        .with("MaxAllowedSkewMilliseconds", MAX_SKEW.as_millis())
}

pub fn signing_date(text: &str) -> Option<Timestamp> {
    let date = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn compact(date: Timestamp) -> String {
    date.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A date as HTTP writes it.
pub fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

fn unsupported() -> S3Error {
    let message = "The authorization mechanism you have provided is not supported. Please use \
        AWS4-HMAC-SHA256.";
    S3Error::new(Code::InvalidRequest, message)
}

fn mismatch(text: &str, canonical: Option<&str>, signature: &str) -> S3Error {
    let error = S3Error::from(Code::SignatureDoesNotMatch)
        .with("StringToSign", text)
        .with("SignatureProvided", signature);
    match canonical {
        Some(canonical) => error.with("CanonicalRequest", canonical),
        None => error,
    }
}

pub fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
