//! The contract of the gateway: configstore's objects for users who may see them, and the gateway's
//! own operations.

mod client;
pub mod endpoints;
pub mod types;

pub use client::{GatewayClient, RunsClient};

/// The gateway's name.
pub const SERVICE: &str = "gateway";
