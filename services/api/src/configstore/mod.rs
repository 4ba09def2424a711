//! The contract of configstore: its objects on the wire, its errors, its endpoints and a client.

pub mod client;
pub mod endpoints;
pub mod errors;
pub mod types;
pub mod validate;
