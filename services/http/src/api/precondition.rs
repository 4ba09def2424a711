//! Preconditions: the entity tag of an object, and the `If-Match` of a change.

use drydock_core::error::{ApiError, Code, Kind};
use drydock_core::log::format::canonical;
use drydock_core::refusals;
use http::{HeaderMap, header};
use serde::Serialize;

/// The strong entity tag of an object: its revision, for people, and a hash of its content, because
/// after an import the same revision may have other content.
pub fn etag<T: Serialize>(revision: u64, object: &T) -> String {
    let json = canonical(object).expect("stored objects are JSON");
    let hash = blake3::hash(json.get().as_bytes()).to_hex();
    format!("\"{revision}-{}\"", &hash[..16])
}

refusals! {
    /// The precondition of a change does not hold.
    RevisionMismatch = "the object is not at the revision that `If-Match` names";
}

/// The precondition of a change: one of these entity tags must be the object's.
#[derive(Debug, Clone, Default)]
pub struct IfMatch(Option<Tags>);

#[derive(Debug, Clone)]
enum Tags {
    Any,
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Compares with the object's entity tag, `current`, which is `None` if there is no object.
    pub fn check(&self, current: Option<&str>) -> Result<(), RevisionMismatch> {
        let holds = match (&self.0, current) {
            (None, _) | (Some(Tags::Any), Some(_)) => true,
            (Some(Tags::OneOf(tags)), Some(current)) => tags.iter().any(|tag| tag == current),
            (Some(_), None) => false,
        };
        if holds { Ok(()) } else { Err(RevisionMismatch) }
    }

    pub(crate) fn parse(headers: &HeaderMap) -> Result<IfMatch, ApiError> {
        let mut tags = Vec::new();
        for value in headers.get_all(header::IF_MATCH) {
            let text = value.to_str().unwrap_or("");
            if text.trim() == "*" {
                return Ok(IfMatch(Some(Tags::Any)));
            }
            // A weak tag is valid, and never matches.
            tags.extend(entity_tags(text).ok_or_else(|| {
                let message = "`If-Match` must hold quoted entity tags, or `*`";
                ApiError::new(Kind::BadRequest).with_code(Code::InvalidHeader).with_message(message)
            })?);
        }
        Ok(IfMatch((!tags.is_empty()).then_some(Tags::OneOf(tags))))
    }
}

/// The entity tags of a list, which may hold commas themselves.
pub(crate) fn entity_tags(mut text: &str) -> Option<Vec<String>> {
    let mut tags = Vec::new();
    loop {
        text = text.trim_start();
        let prefix = text.find('"').filter(|at| ["", "W/"].contains(&&text[..*at]))?;
        let end = prefix + 2 + text[prefix + 1..].find('"')?;
        tags.push(text[..end].to_owned());
        text = text[end..].trim_start();
        if text.is_empty() {
            return Some(tags);
        }
        text = text.strip_prefix(',')?;
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn if_match(value: &'static str) -> Result<IfMatch, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(value));
        IfMatch::parse(&headers)
    }

    #[test]
    fn if_match_compares_strongly() {
        let current = Some("\"3-abc\"");
        assert!(if_match("\"3-abc\"").unwrap().check(current).is_ok());
        assert!(if_match("\"x\", \"3-abc\"").unwrap().check(current).is_ok());
        assert!(if_match("W/\"a,b\" ,\"3-abc\"").unwrap().check(current).is_ok());
        assert!(if_match("*").unwrap().check(current).is_ok());
        assert!(IfMatch::default().check(None).is_ok());
        for (sent, current) in [("\"2-abc\"", current), ("W/\"3-abc\"", current), ("*", None)] {
            let checked = if_match(sent).unwrap().check(current);
            assert_eq!(checked, Err(RevisionMismatch), "{sent}");
        }
        for bad in ["3-abc", "", "\"", "\"a\",", "\"a\" \"b\"", "w/\"a\"", "x\"a\""] {
            assert_eq!(if_match(bad).unwrap_err().code(), "invalid_header", "{bad}");
        }
    }
}
