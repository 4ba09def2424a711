//! From a request to a creation that may be repeated.

use axum::extract::{FromRequest, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::HttpError;
use super::extract::Json;
use crate::api::creation::{Repeatable, key};

/// The body of a creation, and how it is known again.
#[derive(Debug, Clone)]
pub struct Creation<T> {
    pub new: T,
    /// Absent if the caller named no key.
    pub repeatable: Option<Repeatable>,
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
