//! A typed client of maintenance, export, import and lineages.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use drydock_core::archive::{ImportReport, Intent};
use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_http::client::{AnswerStream, Client, ClientError};
use futures_util::TryStream;
use http::{Method, header};
use serde_json::json;
use uuid::Uuid;

use super::{Lineages, MaintenanceStatus, REQUESTED_BY, RestoreReport};

/// How long an import or a restore may take; an import ends sooner if the connection stands still.
pub const REPLACE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

type Result<T> = std::result::Result<T, ClientError>;

/// Calls one instance of any service. Cheap to clone.
#[derive(Clone)]
pub struct AdminClient {
    http: Client,
    /// What follows the routes' first word: nothing, or the service behind a gateway.
    of: String,
}

impl AdminClient {
    pub fn new(http: Client) -> AdminClient {
        AdminClient { http, of: String::new() }
    }

    /// Calls the service with this name through a gateway.
    pub fn of_service(http: Client, service: &str) -> AdminClient {
        AdminClient { http, of: format!("/{service}") }
    }

    pub async fn status(&self, ctx: &Context) -> Result<MaintenanceStatus> {
        let call = self.http.request(Method::GET, self.maintenance(None));
        Ok(call.send(ctx).await?.body)
    }

    /// Switches maintenance on; with `wait`, answers once all are ready or the time is over.
    pub async fn switch_on(
        &self,
        ctx: &Context,
        requested_by: &str,
        reason: Option<&str>,
        wait: Option<Duration>,
    ) -> Result<MaintenanceStatus> {
        let call = self.http.request(Method::PUT, self.maintenance(wait));
        let call = call
            .header(REQUESTED_BY, requested_by)
            .json(&json!({ "reason": reason }))
            .longer_by(wait.unwrap_or_default());
        Ok(call.send(ctx).await?.body)
    }

    pub async fn switch_off(
        &self,
        ctx: &Context,
        requested_by: &str,
        wait: Option<Duration>,
    ) -> Result<()> {
        let call = self.http.request(Method::DELETE, self.maintenance(wait));
        let call = call.header(REQUESTED_BY, requested_by).longer_by(wait.unwrap_or_default());
        call.send_bytes(ctx).await?;
        Ok(())
    }

    /// The export's plain lines. Only one that ends with its trailer is whole.
    pub async fn export(&self, ctx: &Context) -> Result<AnswerStream> {
        let call = self.http.request(Method::GET, format!("/api/v1/export{}", self.of));
        Ok(call.send_streamed(ctx).await?.body)
    }

    /// Sends an export, plain or compressed.
    pub async fn import<S>(&self, ctx: &Context, export: S, intent: Intent) -> Result<ImportReport>
    where
        S: TryStream<Ok = Bytes> + Send + 'static,
        S::Error: Into<BoxError>,
    {
        let dry_run = intent == Intent::DryRun;
        let path = format!("/api/v1/import{}?dry_run={dry_run}", self.of);
        let call = self.http.request(Method::POST, path);
        let call = call
            .header(header::CONTENT_TYPE, "application/x-ndjson")
            .body(Body::from_stream(export))
            .timeout(REPLACE_TIMEOUT);
        Ok(call.send(ctx).await?.body)
    }

    /// The lineages that are kept, oldest first.
    pub async fn lineages(&self, ctx: &Context) -> Result<Lineages> {
        let call = self.http.request(Method::GET, format!("/api/v1/lineages{}", self.of));
        Ok(call.send(ctx).await?.body)
    }

    /// Goes back to the last state of a lineage that is kept.
    pub async fn restore(&self, ctx: &Context, lineage: Uuid) -> Result<RestoreReport> {
        let path = format!("/api/v1/lineages{}/{lineage}/restore", self.of);
        let call = self.http.request(Method::POST, path);
        Ok(call.timeout(REPLACE_TIMEOUT).send(ctx).await?.body)
    }

    fn maintenance(&self, wait: Option<Duration>) -> String {
        let path = format!("/api/v1/maintenance{}", self.of);
        match wait {
            Some(wait) => format!("{path}?wait={}ms", wait.as_millis()),
            None => path,
        }
    }
}
