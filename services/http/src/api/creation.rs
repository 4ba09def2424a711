//! Creations that can be repeated, and their answers.
//!
//! A caller that does not know whether a creation took place sends it again with the same
//! `Idempotency-Key`, and gets the first answer. Each caller chooses its own keys; a caller that
//! acts for several users makes sure that their keys never meet.

use drydock_core::error::{ApiError, Code, Kind};
use drydock_core::log::format::canonical;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::headers::IDEMPOTENCY_KEY;

const MAX_LENGTH: usize = 255;

/// A creation that may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeatable {
    /// Derived from the key: the same key has the same id.
    pub id: Uuid,
    /// The hash of path and body: the same request has the same digest.
    pub digest: String,
}

impl Repeatable {
    pub(crate) fn new<T: Serialize>(
        key: &str,
        path: &str,
        new: &T,
    ) -> Result<Repeatable, serde_json::Error> {
        let hash = blake3::derive_key("drydock idempotency key", key.as_bytes());
        let id = *hash.first_chunk().expect("a hash has more than 16 bytes");
        let mut hasher = blake3::Hasher::new();
        hasher.update(path.as_bytes()).update(b"\n").update(canonical(new)?.get().as_bytes());
        let digest = hasher.finalize().to_hex().to_string();
        Ok(Repeatable { id: uuid::Builder::from_custom_bytes(id).into_uuid(), digest })
    }
}

/// The answer of a creation, as it is stored for a repeated request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Created {
    pub(crate) location: String,
    pub(crate) etag: String,
    pub(crate) body: String,
    /// Whether this is the answer to an earlier request.
    #[serde(skip)]
    pub(crate) replayed: bool,
}

impl Created {
    /// 201 with the object and its path.
    pub fn new<T: Serialize>(
        location: String,
        etag: String,
        body: &T,
    ) -> Result<Created, serde_json::Error> {
        Ok(Created { location, etag, body: serde_json::to_string(body)?, replayed: false })
    }

    /// The same, answered once more.
    pub fn repeated(self) -> Created {
        Created { replayed: true, ..self }
    }
}

pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let text = first.to_str().unwrap_or("");
    let fine = (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fine && given.next().is_none() {
        return Ok(Some(text.to_owned()));
    }
    let message = "`Idempotency-Key` must be 1 to 255 visible ASCII characters";
    Err(ApiError::new(Kind::BadRequest).with_code(Code::InvalidHeader).with_message(message))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_key_decides_the_id_and_the_request_the_digest() {
        let made = |key, path, body: &str| Repeatable::new(key, path, &body).unwrap();
        let first = made("a", "/users", "x");
        assert_eq!(made("a", "/users", "x"), first);
        assert_eq!(made("a", "/users", "y").id, first.id);
        assert_ne!(made("a", "/users", "y").digest, first.digest);
        assert_ne!(made("a", "/orgs", "x").digest, first.digest);
        assert_ne!(made("b", "/users", "x").id, first.id);
    }

    #[test]
    fn keys_are_single_visible_and_short() {
        let check = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(IDEMPOTENCY_KEY, value);
            }
            key(&headers).map_err(|error| error.code())
        };
        assert_eq!(check(&[]), Ok(None));
        assert_eq!(check(&["k-1"]), Ok(Some("k-1".to_owned())));
        for bad in [&[""][..], &["a b"], &["é"], &["a", "a"], &[&"x".repeat(256)]] {
            assert_eq!(check(bad), Err("invalid_header"), "{bad:?}");
        }
    }
}
