//! The header that makes a creation repeatable.

use axum::extract::FromRequestParts;
use drydock_core::error::{ApiError, Code, Kind};
use http::HeaderName;
use http::request::Parts;

use super::error::HttpError;

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const MAX_LENGTH: usize = 255;

/// What the caller calls this creation, if it may be repeated.
#[derive(Debug, Clone, Default)]
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IdempotencyKey, HttpError> {
        let mut given = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(first) = given.next() else { return Ok(IdempotencyKey(None)) };
        let text = first.to_str().unwrap_or("");
        let fine = (1..=MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fine && given.next().is_none() {
            return Ok(IdempotencyKey(Some(text.to_owned())));
        }
        let message = "`Idempotency-Key` must be 1 to 255 visible ASCII characters";
        Err(ApiError::new(Kind::BadRequest)
            .with_code(Code::InvalidHeader)
            .with_message(message)
            .into())
    }
}
