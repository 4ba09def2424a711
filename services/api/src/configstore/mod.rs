//! The contract of configstore: its objects on the wire, its refusals, its endpoints and a client.

pub mod client;
pub mod endpoints;
pub mod refusals;
pub mod scoped;
pub mod types;
pub mod validate;
