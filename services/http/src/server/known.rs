//! `If-None-Match` of a read: a client that knows the object's state gets 304 without a body.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode, header};

use crate::api::precondition::entity_tags;

/// The states that the client of a request knows, by their entity tags.
pub(crate) struct Known(Vec<String>);

impl Known {
    /// Those that a read names. A header that holds no tags names none.
    pub(crate) fn of(request: &Request) -> Known {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            return Known(Vec::new());
        }
        let values = request.headers().get_all(header::IF_NONE_MATCH).iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        let tags = texts.flat_map(|text| match text.trim() {
            "*" => vec!["*".to_owned()],
            text => entity_tags(text).unwrap_or_default(),
        });
        Known(tags.collect())
    }

    /// The answer, or 304 in its place if it shows a state that the client knows. Tags are compared
    /// weakly: a proxy that compresses answers makes them weak.
    pub(crate) fn answer(&self, response: Response) -> Response {
        let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let Some(tag) = tag.filter(|_| response.status() == StatusCode::OK) else {
            return response;
        };
        let same = |known: &String| known == "*" || opaque(known) == opaque(tag);
        if !self.0.iter().any(same) {
            return response;
        }
        let (mut parts, _) = response.into_parts();
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, Body::empty())
    }
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}
