//! Configstore: its objects as they travel, what it refuses, and a client.

pub mod client;
pub mod endpoints;
pub mod errors;
pub mod types;
pub mod validate;
