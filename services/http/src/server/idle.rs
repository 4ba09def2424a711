//! Requests that wait for something to happen, such as long polls.

use axum::extract::FromRequestParts;
use drydock_core::error::ApiError;
use http::request::Parts;

use super::context::App;
use super::error::HttpError;
use super::gate::{Gate, refusal};
use super::guard::too_many;
use super::permits::ConcurrencyPermit;

/// Lets a request wait without counting among the requests in work.
pub struct Idle {
    gate: Gate,
    permit: Option<ConcurrencyPermit>,
}

impl Idle {
    /// Waits for a future.
    ///
    /// # Errors
    /// 503 at once if the service goes into maintenance or stops meanwhile; 429 if too many
    /// requests are in work afterwards.
    pub async fn wait<T>(&self, until: impl Future<Output = T>) -> Result<T, ApiError> {
        if let Some(permit) = &self.permit {
            permit.release();
        }
        let waited = tokio::select! {
            waited = until => waited,
            () = self.gate.closed() => return Err(refusal(self.gate.state())),
        };
        if let Some(permit) = &self.permit {
            permit.acquire().map_err(too_many)?;
        }
        Ok(waited)
    }
}

impl<S: Send + Sync> FromRequestParts<App<S>> for Idle {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App<S>) -> Result<Idle, HttpError> {
        let permit = parts.extensions.get::<Option<ConcurrencyPermit>>().cloned().flatten();
        Ok(Idle { gate: app.context.gate.clone(), permit })
    }
}
