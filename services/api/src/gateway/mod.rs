//! The contract of the gateway: configstore's objects for users who may see them, and the gateway's
//! own operations.

mod client;
pub mod endpoints;

pub use client::GatewayClient;

/// The gateway's name.
pub const SERVICE: &str = "gateway";
