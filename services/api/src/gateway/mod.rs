//! The gateway: configstore's objects for those who may see them, and what only the gateway has.

mod client;
pub mod endpoints;

pub use client::GatewayClient;

/// Its name.
pub const SERVICE: &str = "gateway";
