//! Maintenance, export, import and lineages over HTTP, the same for every service that has a store.
//!
//! The operations are behind the trait [`Admin`], which the runtime implements.

mod admin;
pub mod stream;
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

/// The operations of an operator on a service.
#[async_trait]
pub trait Admin: Send + Sync + 'static {
    async fn status(&self, ctx: &Context) -> Result<MaintenanceStatus, BoxError>;

    /// Sets the mode, and waits up to `change.wait` until every live instance has acknowledged it.
    /// If the mode is set already, this only waits.
    async fn set_mode(
        &self,
        ctx: &Context,
        change: ModeChange,
    ) -> Result<MaintenanceStatus, BoxError>;

    /// Exports all objects of the service at one position, as plain lines. A failure before the
    /// first line is an error here, not in the stream.
    async fn export(&self, ctx: &Context) -> Result<ByteStream, BoxError>;

    /// Replaces all objects of the service by the ones in the plain lines of `export`, or changes
    /// nothing.
    async fn import(
        &self,
        ctx: &Context,
        export: ByteStream,
        intent: Intent,
    ) -> Result<ImportReport, BoxError>;

    /// Lists the lineages that are kept, oldest first.
    async fn lineages(&self, ctx: &Context) -> Result<Vec<Lineage>, BoxError>;

    /// Goes back to the last state of a lineage that is kept, or changes nothing.
    async fn restore(&self, ctx: &Context, lineage: Uuid) -> Result<RestoreReport, BoxError>;
}

/// A request to switch the mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChange {
    pub mode: Mode,
    pub requested_by: String,
    pub reason: Option<String>,
    pub wait: Option<Duration>,
}
