//! Answers of requests that succeeded.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::api::creation::Created;
use crate::api::headers::IDEMPOTENCY_REPLAYED;

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::CREATED;
        set(&mut response, header::CONTENT_TYPE, "application/json");
        set(&mut response, header::LOCATION, &self.location);
        set(&mut response, header::ETAG, &self.etag);
        if self.replayed {
            set(&mut response, IDEMPOTENCY_REPLAYED, "true");
        }
        response
    }
}

/// 200 with an object.
pub fn ok<T: Serialize>(etag: &str, body: &T) -> Response {
    tagged(StatusCode::OK, etag, body)
}

/// 201 with the object and its path.
pub fn created<T: Serialize>(location: &str, etag: &str, body: &T) -> Response {
    let mut response = tagged(StatusCode::CREATED, etag, body);
    set(&mut response, header::LOCATION, location);
    response
}

/// 204, for deletions and actions without output.
pub fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

fn tagged<T: Serialize>(status: StatusCode, etag: &str, body: &T) -> Response {
    let mut response = (status, axum::Json(body)).into_response();
    set(&mut response, header::ETAG, etag);
    response
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("tags and paths are ASCII");
    response.headers_mut().insert(name, value);
}
