//! Maintenance, export, import and lineages over HTTP, the same for every service that has a store.
//!
//! What happens is behind [`Admin`], which the runtime implements.

mod admin;
mod stream;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use drydock_api::admin::{ImportReport, Intent, Lineage, MaintenanceStatus, RestoreReport};
use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_core::log::format::Mode;
use futures_util::stream::BoxStream;
use uuid::Uuid;

pub use admin::routes;

/// A body in pieces. An error ends it.
pub type ByteStream = BoxStream<'static, Result<Bytes, BoxError>>;

/// What an operator may do to a service.
#[async_trait]
pub trait Admin: Send + Sync + 'static {
    async fn status(&self, ctx: &Context) -> Result<MaintenanceStatus, BoxError>;

    /// Sets the mode, and waits up to `change.wait` until every live instance has acknowledged it.
    /// Does nothing, beyond waiting, if the mode is already that.
    async fn set_mode(
        &self,
        ctx: &Context,
        change: ModeChange,
    ) -> Result<MaintenanceStatus, BoxError>;

    /// The whole service at one position, as plain lines. Whatever can fail beforehand fails here,
    /// not in the stream.
    async fn export(&self, ctx: &Context) -> Result<ByteStream, BoxError>;

    /// Replaces the whole service by what the plain lines of `export` say, or does nothing.
    async fn import(
        &self,
        ctx: &Context,
        export: ByteStream,
        intent: Intent,
    ) -> Result<ImportReport, BoxError>;

    /// The lineages that are kept, oldest first.
    async fn lineages(&self, ctx: &Context) -> Result<Vec<Lineage>, BoxError>;

    /// Goes back to the last state of a lineage that is kept, or does nothing.
    async fn restore(&self, ctx: &Context, lineage: Uuid) -> Result<RestoreReport, BoxError>;
}

/// What a request to switch the mode says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChange {
    pub mode: Mode,
    pub requested_by: String,
    pub reason: Option<String>,
    pub wait: Option<Duration>,
}
