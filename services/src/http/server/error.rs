//! The boundary where errors become answers.
//!
//! A handler returns [`HttpError`] around any error. The answer shows the first [`ApiError`] in its
//! chain of causes and nothing else; the whole chain travels beside the answer as [`Failure`], so
//! that the outermost layer logs it once.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use drydock_core::error::{ApiError, BoxError, Kind, first_api_error};
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a handler fails with. `?` turns every error into it.
#[derive(Debug)]
pub struct HttpError(pub BoxError);

impl<E: Into<BoxError>> From<E> for HttpError {
    fn from(error: E) -> HttpError {
        HttpError(error.into())
    }
}

/// The body of every answer with a status of 400 or more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    pub code: String,
    pub message: String,
}

/// The error behind an answer, for the log only.
#[derive(Clone)]
pub struct Failure {
    pub kind: Kind,
    pub code: &'static str,
    pub error: Arc<BoxError>,
}

/// What `Retry-After` says.
const RETRY_AFTER_SECONDS: u32 = 1;

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let unknown = ApiError::new(Kind::Internal);
        let shown = first_api_error(self.0.as_ref()).unwrap_or(&unknown);
        let (kind, code) = (shown.kind(), shown.code());
        let body = ErrorBody { code: code.to_owned(), message: shown.message().to_owned() };
        let mut response = (status_of(kind), axum::Json(body)).into_response();
        if matches!(kind, Kind::TooManyRequests | Kind::Unavailable) {
            let seconds = HeaderValue::from(RETRY_AFTER_SECONDS);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(Failure { kind, code, error: Arc::new(self.0) });
        response
    }
}

/// The status that an error of this kind is answered with.
pub fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::BadRequest => StatusCode::BAD_REQUEST,
        Kind::Unauthorized => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotExist => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// The kind that an answer with this status stands for, whoever made it.
pub fn kind_of(status: StatusCode) -> Kind {
    match status.as_u16() {
        401 => Kind::Unauthorized,
        403 => Kind::Forbidden,
        404 | 410 => Kind::NotExist,
        405 => Kind::MethodNotAllowed,
        409 => Kind::Conflict,
        412 => Kind::PreconditionFailed,
        413 => Kind::TooLarge,
        415 => Kind::UnsupportedMediaType,
        422 => Kind::Unprocessable,
        429 => Kind::TooManyRequests,
        502 | 503 => Kind::Unavailable,
        408 | 504 => Kind::Timeout,
        400..=499 => Kind::BadRequest,
        _ => Kind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use drydock_core::error::Code;
    use http_body_util::BodyExt;

    use super::super::error::*;

    async fn answer(error: impl Into<BoxError>) -> (StatusCode, bool, ErrorBody) {
        let response = HttpError::from(error).into_response();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let retry = parts.headers.contains_key(header::RETRY_AFTER);
        (parts.status, retry, serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn every_kind_reads_back_from_its_status() {
        for kind in Kind::ALL {
            assert_eq!(kind_of(status_of(*kind)), *kind);
        }
    }

    #[tokio::test]
    async fn an_error_without_api_error_says_nothing_of_itself() {
        let (status, retry, body) = answer("password in the cause").await;
        assert_eq!((status.as_u16(), retry), (500, false));
        assert_eq!(body.code, "internal");
        assert_eq!(body.message, "internal server error");
    }

    #[tokio::test]
    async fn the_first_api_error_of_the_chain_is_answered() {
        let inner = ApiError::new(Kind::Conflict).with_code(Code::LastOwner);
        let outer = std::io::Error::other(inner);
        let (status, retry, body) = answer(outer).await;
        assert_eq!((status.as_u16(), retry), (409, false));
        assert_eq!(body.code, "last_owner");
        assert!(!body.message.is_empty());
    }

    #[tokio::test]
    async fn unavailable_says_when_to_try_again() {
        let (status, retry, _) = answer(ApiError::new(Kind::Unavailable)).await;
        assert_eq!((status.as_u16(), retry), (503, true));
    }
}
