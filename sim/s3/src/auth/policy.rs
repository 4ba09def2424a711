//! The policy of an upload from a form: who signed it, until when, and what it allows.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::signed::{Keys, credential, same, signing_key};
use crate::error::{Code, S3Error};
use crate::request::form::Form;
use crate::wire::digest::{base64, hmac, hmac_sha1};

/// Fields that no condition needs to name.
const FREE: [&str; 5] = ["awsaccesskeyid", "bucket", "policy", "signature", "x-amz-signature"];

#[derive(Deserialize)]
struct Policy {
    expiration: Timestamp,
    conditions: Vec<Value>,
}

/// Whether the form may be uploaded; `bucket` is the one that it was sent to.
pub fn verify_form(
    form: &Form,
    bucket: &str,
    keys: &Keys,
    region: &str,
    now: Timestamp,
) -> Result<(), S3Error> {
    let encoded = form.fields.get("policy").ok_or(Code::AccessDenied)?;
    verify_signature(form, encoded, keys, region)?;
    let decoded = BASE64_STANDARD.decode(encoded).ok();
    let policy = decoded.and_then(|json| serde_json::from_slice::<Policy>(&json).ok());
    let policy = policy.ok_or_else(|| denied_by("Invalid Policy: Invalid JSON."))?;
    if policy.expiration < now {
        return Err(denied_by("Invalid according to Policy: Policy expired."));
    }
    let mut named = Vec::new();
    for condition in &policy.conditions {
        let field = check(condition, form, bucket)?;
        named.extend(field);
    }
    let ignored = |name: &str| FREE.contains(&name) || name.starts_with("x-ignore-");
    let extra = form.fields.keys().find(|name| !ignored(name) && !named.contains(name));
    match extra {
        Some(name) => {
            let message = format!("Invalid according to Policy: Extra input fields: {name}");
            Err(S3Error::new(Code::AccessDenied, message))
        }
        None => Ok(()),
    }
}

fn verify_signature(form: &Form, policy: &str, keys: &Keys, region: &str) -> Result<(), S3Error> {
    let field = |name: &str| {
        let missing = || {
            let message = format!("Bucket POST must contain a field named '{name}'.");
            S3Error::argument(name, "", message)
        };
        form.fields.get(name).ok_or_else(missing)
    };
    let secret_of = |key: &str| {
        let unknown = || S3Error::from(Code::InvalidAccessKeyId).with("AWSAccessKeyId", key);
        keys.get(key).ok_or_else(unknown)
    };
    let (expected, given) = if form.fields.contains_key("awsaccesskeyid") {
        let secret = secret_of(field("awsaccesskeyid")?)?;
        let expected = base64(&hmac_sha1(secret.as_bytes(), policy.as_bytes()));
        (expected, field("signature")?)
    } else {
        let text = field("x-amz-credential")?;
        let invalid = || {
            let message = "Error parsing the X-Amz-Credential parameter; it is mal-formed or of \
                another region or service.";
            S3Error::argument("X-Amz-Credential", text, message)
        };
        let (key, scope) = credential(text).ok_or_else(invalid)?;
        if scope[1] != region || scope[2] != "s3" {
            return Err(invalid());
        }
        let key = signing_key(secret_of(&key)?, &scope);
        (hex::encode(hmac(&key, policy.as_bytes())), field("x-amz-signature")?)
    };
    match same(&expected, given) {
        true => Ok(()),
        false => Err(S3Error::from(Code::SignatureDoesNotMatch)
            .with("StringToSign", policy)
            .with("SignatureProvided", given)),
    }
}

/// Answers the field that the condition names.
fn check(condition: &Value, form: &Form, bucket: &str) -> Result<Option<String>, S3Error> {
    let failed = || {
        let message = format!("Invalid according to Policy: Policy Condition failed: {condition}");
        S3Error::new(Code::AccessDenied, message)
    };
    if let Some([Value::String(kind), least, most]) = condition.as_array().map(Vec::as_slice)
        && kind == "content-length-range"
    {
        let size = form.file.len() as u64;
        let bound = |it: &Value| it.as_u64().or_else(|| it.as_str()?.parse().ok());
        return match (bound(least).ok_or_else(failed)?, bound(most).ok_or_else(failed)?) {
            (least, _) if size < least => Err(Code::EntityTooSmall.into()),
            (_, most) if size > most => Err(Code::EntityTooLarge.into()),
            _ => Ok(None),
        };
    }
    let (kind, name, wanted) = match condition {
        Value::Object(exactly) if exactly.len() == 1 => {
            let (name, wanted) = exactly.iter().next().ok_or_else(failed)?;
            ("eq", name.as_str(), wanted.as_str())
        }
        Value::Array(parts) if parts.len() == 3 => {
            let text = |at: usize| parts[at].as_str().unwrap_or_default();
            (text(0), text(1).strip_prefix('$').unwrap_or_default(), parts[2].as_str())
        }
        _ => return Err(failed()),
    };
    let (name, wanted) = (name.to_ascii_lowercase(), wanted.ok_or_else(failed)?);
    let value = match name.as_str() {
        "bucket" => bucket,
        name => form.fields.get(name).map_or("", String::as_str),
    };
    let holds = match kind {
        "eq" => value == wanted,
        "starts-with" => value.starts_with(wanted),
        _ => false,
    };
    if holds { Ok(Some(name)) } else { Err(failed()) }
}

fn denied_by(message: &'static str) -> S3Error {
    S3Error::new(Code::AccessDenied, message)
}
