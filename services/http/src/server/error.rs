//! The boundary where errors become answers.
//!
//! A handler returns [`HttpError`] around any error. The answer shows the first [`ApiError`] in its
//! chain of causes and nothing else; the whole chain travels beside the answer as [`LoggedError`],
//! so that the outermost layer logs it once.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use drydock_core::error::{ActionError, ApiError, BoxError, Failure, Kind, first_api_error};

use http::{HeaderValue, header};

use crate::api::error_body::{ErrorBody, status_of};

/// The error of a handler. `?` turns every error into it.
#[derive(Debug)]
pub struct HttpError(pub BoxError);

impl<E: Into<BoxError>> From<E> for HttpError {
    fn from(error: E) -> HttpError {
        HttpError(error.into())
    }
}

/// The error of a handler whose operation can refuse what `F` says. Only an [`ActionError`] of that
/// operation turns into it, and what turns into that.
pub struct OperationError<F>(HttpError, PhantomData<fn() -> F>);

impl<F> OperationError<F> {
    /// For the way that all actions of a service take to its store: whatever `error` holds is
    /// answered as at every boundary.
    pub fn at_boundary(error: impl Into<BoxError>) -> OperationError<F> {
        OperationError(HttpError(error.into()), PhantomData)
    }
}

impl<E, F: Failure> From<E> for OperationError<F>
where
    ActionError<F>: From<E>,
{
    #[track_caller]
    fn from(error: E) -> OperationError<F> {
        OperationError::at_boundary(ActionError::from(error).boxed())
    }
}

impl<F> IntoResponse for OperationError<F> {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// The error behind an answer, for the log only: it may hold secrets.
#[derive(Clone)]
pub struct LoggedError {
    pub kind: Kind,
    pub code: &'static str,
    pub error: Arc<BoxError>,
}

/// The value of `Retry-After`.
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
        if kind == Kind::Unauthorized {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response.extensions_mut().insert(LoggedError { kind, code, error: Arc::new(self.0) });
        response
    }
}

#[cfg(test)]
mod tests {
    use drydock_core::error::Code;
    use http::StatusCode;
    use http_body_util::BodyExt;

    use super::*;

    async fn answer(error: impl Into<BoxError>) -> (StatusCode, bool, ErrorBody) {
        let response = HttpError::from(error).into_response();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let retry = parts.headers.contains_key(header::RETRY_AFTER);
        (parts.status, retry, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn an_error_without_api_error_is_answered_as_internal_without_its_text() {
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
    async fn unavailable_has_a_retry_after_header() {
        let (status, retry, _) = answer(ApiError::new(Kind::Unavailable)).await;
        assert_eq!((status.as_u16(), retry), (503, true));
    }
}
