//! Parts of requests and answers that are passed on to and from a service.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use drydock_api::configstore::types::TreeQuery;
use drydock_core::error::ApiError;
use drydock_http::api::headers::IDEMPOTENCY_REPLAYED;
use drydock_http::api::page::{ListQuery, ReadQuery};
use drydock_http::api::precondition::IfMatch;
use drydock_http::client::Answer;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Path, Query};
use http::header;
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The answer with its status, tag, location, and whether it was given before: paths of objects
/// are the same here.
pub fn pass_on<T: Serialize>(answer: &Answer<T>) -> Response {
    let mut response = (answer.status, axum::Json(&answer.body)).into_response();
    for name in [header::ETAG, header::LOCATION, IDEMPOTENCY_REPLAYED] {
        if let Some(value) = answer.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// The query of a list, if it can be the query of one.
pub struct Listing<Q>(pub Q);

/// What else a request for one object says.
pub type One<P> = (Path<P>, Query<ReadQuery>);

/// A query with the parameters of all lists.
pub trait ListLike: DeserializeOwned {
    fn list(&self) -> ListQuery;
}

impl ListLike for ListQuery {
    fn list(&self) -> ListQuery {
        self.clone()
    }
}

impl ListLike for TreeQuery {
    fn list(&self) -> ListQuery {
        self.clone().split().0
    }
}

impl<S: Send + Sync, Q: ListLike> FromRequestParts<S> for Listing<Q> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Listing<Q>, HttpError> {
        let Query(query) = Query::<Q>::from_request_parts(parts, state).await?;
        query.list().check().map_err(ApiError::from)?;
        Ok(Listing(query))
    }
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
