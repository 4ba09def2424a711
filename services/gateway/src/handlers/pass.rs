//! What is handed through from and to a service.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use drydock_http::api::precondition::IfMatch;
use drydock_http::client::Answer;
use drydock_http::server::error::HttpError;
use http::header;
use http::request::Parts;
use serde::Serialize;

/// The answer with its status, tag and location: paths of objects are the same here.
pub fn pass_on<T: Serialize>(answer: &Answer<T>) -> Response {
    let mut response = (answer.status, axum::Json(&answer.body)).into_response();
    for name in [header::ETAG, header::LOCATION] {
        if let Some(value) = answer.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// `If-Match` as it was given, if it is one.
pub struct Precondition(Option<String>);

impl Precondition {
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Precondition {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Precondition, HttpError> {
        IfMatch::from_request_parts(parts, state).await?;
        let values = parts.headers.get_all(header::IF_MATCH).iter();
        let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
        Ok(Precondition((!values.is_empty()).then(|| values.join(", "))))
    }
}
