//! Maintenance, export, import and lineages over HTTP, the same for every service that has a store.
//!
//! The operations are behind the trait [`Admin`], which the runtime implements.

mod admin;
pub mod stream;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use drydock_api::admin::{ImportReport, Intent, Lineage, MaintenanceStatus, RestoreReport};
use drydock_core::archive::{ImportError, RestoreError};
use drydock_core::context::Context;
use drydock_core::error::{ActionError, BoxError};
use drydock_core::log::format::Mode;
use drydock_core::read_model::StoreError;
use futures_util::stream::BoxStream;
use uuid::Uuid;

pub use admin::routes;

/// A body in pieces. An error ends it.
pub type ByteStream = BoxStream<'static, Result<Bytes, BoxError>>;

/// An export refuses nothing.
pub type ExportError = ActionError<Infallible>;

/// The operations of an operator on a service.
#[async_trait]
pub trait Admin: Send + Sync + 'static {
    async fn status(&self, ctx: &Context) -> Result<MaintenanceStatus, StoreError>;

    /// Sets the mode, and waits up to `change.wait` until every live instance has acknowledged it.
    /// If the mode is set already, this only waits.
    async fn set_mode(
        &self,
        ctx: &Context,
        change: ModeChange,
    ) -> Result<MaintenanceStatus, StoreError>;

    /// Exports all objects of the service at one position, as plain lines. A failure before the
    /// first line is an error here, not in the stream.
    async fn export(&self, ctx: &Context) -> Result<ByteStream, ExportError>;

    /// Replaces all objects of the service by the ones in the plain lines of `export`, or changes
    /// nothing.
    async fn import(
        &self,
        ctx: &Context,
        export: ByteStream,
        intent: Intent,
    ) -> Result<ImportReport, ImportError>;

    /// Lists the lineages that are kept, oldest first.
    async fn lineages(&self, ctx: &Context) -> Result<Vec<Lineage>, StoreError>;

    /// Goes back to the last state of a lineage that is kept, or changes nothing.
    async fn restore(&self, ctx: &Context, lineage: Uuid) -> Result<RestoreReport, RestoreError>;
}

/// A request to switch the mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChange {
    pub mode: Mode,
    pub requested_by: String,
    pub reason: Option<String>,
    pub wait: Option<Duration>,
}
