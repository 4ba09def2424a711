//! The header that makes a creation repeatable.
//!
//! A caller that does not know whether a creation took place sends it again with the same
//! `Idempotency-Key`, and gets the first answer. Keys are the caller's own; a caller that acts for
//! others keeps theirs apart.

use axum::extract::{FromRequest, Request};
use drydock_core::error::{ApiError, Code, Kind};
use drydock_core::log::format::canonical;
use http::{HeaderMap, HeaderName};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::http::server::error::HttpError;
use crate::http::server::extract::Json;

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const MAX_LENGTH: usize = 255;

/// The body of a creation, and how it is known again.
#[derive(Debug, Clone)]
pub struct Creation<T> {
    pub new: T,
    /// Absent if the caller named no key.
    pub repeatable: Option<Repeatable>,
}

/// A creation that may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeatable {
    /// Made of the key: one key, one id.
    pub id: Uuid,
    /// Of path and body: the same request has the same.
    pub digest: String,
}

impl<S: Send + Sync, T: DeserializeOwned + Serialize> FromRequest<S> for Creation<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Creation<T>, HttpError> {
        let key = key(request.headers())?;
        let path = request.uri().path().to_owned();
        let Json(new) = Json::<T>::from_request(request, state).await?;
        let repeatable = key.map(|key| Repeatable::new(&key, &path, &new)).transpose()?;
        Ok(Creation { new, repeatable })
    }
}

impl Repeatable {
    fn new<T: Serialize>(key: &str, path: &str, new: &T) -> Result<Repeatable, serde_json::Error> {
        let hash = blake3::derive_key("drydock idempotency key", key.as_bytes());
        let id = *hash.first_chunk().expect("a hash has more than 16 bytes");
        let mut hasher = blake3::Hasher::new();
        hasher.update(path.as_bytes()).update(b"\n").update(canonical(new)?.get().as_bytes());
        let digest = hasher.finalize().to_hex().to_string();
        Ok(Repeatable { id: uuid::Builder::from_custom_bytes(id).into_uuid(), digest })
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
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

    use super::super::creation::*;

    #[test]
    fn one_key_is_one_id_and_one_request_one_digest() {
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
