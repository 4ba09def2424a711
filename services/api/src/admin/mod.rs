//! Maintenance, export, import and lineages, the same for every service that has a store.

mod client;
pub mod endpoints;
pub mod refusals;
mod types;

pub use client::{AdminClient, REPLACE_TIMEOUT};
pub use drydock_core::archive::{ImportReport, Intent, RestoreReport};
pub use drydock_core::lineage::Lineage;
pub use types::{
    ImportQuery, Lineages, MAX_REASON_LENGTH, MAX_REQUESTED_BY_LENGTH, MaintenanceStatus, NDJSON,
    REQUESTED_BY, SwitchOn, WaitQuery,
};
