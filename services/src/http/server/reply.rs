//! Answers that succeed.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use drydock_core::log::format::canonical;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

/// The answer of a creation, as it can be kept and given again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Created {
    location: String,
    etag: String,
    body: String,
}

impl Created {
    /// 201 with the object and its path.
    pub fn new<T: Serialize>(
        location: String,
        etag: String,
        body: &T,
    ) -> Result<Created, serde_json::Error> {
        Ok(Created { location, etag, body: serde_json::to_string(body)? })
    }
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::CREATED;
        set(&mut response, header::CONTENT_TYPE, "application/json");
        set(&mut response, header::LOCATION, &self.location);
        set(&mut response, header::ETAG, &self.etag);
        response
    }
}

/// The strong entity tag of an object: its revision, for people, and a hash of its content, because
/// an import may bring the revision back with other content.
pub fn etag<T: Serialize>(revision: u64, object: &T) -> String {
    let json = canonical(object).expect("stored objects are JSON");
    let hash = blake3::hash(json.get().as_bytes()).to_hex();
    format!("\"{revision}-{}\"", &hash[..16])
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
