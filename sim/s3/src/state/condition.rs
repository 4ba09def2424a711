//! Conditions on what is there.

use jiff::Timestamp;

use super::object::Object;
use crate::error::{Code, S3Error};

/// Conditions of a read, or on the source of a copy.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub if_modified_since: Option<Timestamp>,
    pub if_unmodified_since: Option<Timestamp>,
}

impl Conditions {
    /// Whether `object` may be read. Conditions on the ETag come before those on the time.
    pub fn check(&self, object: &Object) -> Result<(), S3Error> {
        let failed =
            |condition| S3Error::from(Code::PreconditionFailed).with("Condition", condition);
        let unmodified = self.if_unmodified_since.is_none_or(|since| object.modified <= since);
        match &self.if_match {
            Some(wanted) if !matches(wanted, &object.etag) => return Err(failed("If-Match")),
            None if !unmodified => return Err(failed("If-Unmodified-Since")),
            _ => {}
        }
        let modified = self.if_modified_since.is_none_or(|since| object.modified > since);
        match &self.if_none_match {
            Some(known) if matches(known, &object.etag) => Err(Code::NotModified.into()),
            None if !modified => Err(Code::NotModified.into()),
            _ => Ok(()),
        }
    }

    /// The same on a copy's source, where all failures are 412.
    pub fn check_source(&self, object: &Object) -> Result<(), S3Error> {
        self.check(object).map_err(|error| match error.code {
            Code::NotModified => Code::PreconditionFailed.into(),
            _ => error,
        })
    }
}

/// Conditions of a write.
#[derive(Debug, Clone, Default)]
pub struct WriteConditions {
    /// Only if the object has this ETag.
    pub if_match: Option<String>,
    /// `If-None-Match: *`: only if there is no object.
    pub if_absent: bool,
}

impl WriteConditions {
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && !self.if_absent
    }

    pub fn check(&self, key: &str, current: Option<&Object>) -> Result<(), S3Error> {
        let failed =
            |condition| S3Error::from(Code::PreconditionFailed).with("Condition", condition);
        if self.if_absent && current.is_some() {
            return Err(failed("If-None-Match"));
        }
        match (&self.if_match, current) {
            (Some(_), None) => Err(S3Error::from(Code::NoSuchKey).with("Key", key)),
            (Some(wanted), Some(it)) if !matches(wanted, &it.etag) => Err(failed("If-Match")),
            _ => Ok(()),
        }
    }
}

/// Whether a list of ETags, or `*`, names this one.
fn matches(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|it| {
        let it = it.strip_prefix("W/").unwrap_or(it);
        it == "*" || it.trim_matches('"') == etag
    })
}
