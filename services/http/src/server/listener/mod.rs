//! The accept loop: how a listener's streams become requests, and the bounds of each connection.

mod connection_limit;
pub(crate) mod drain_body;
mod parse_error_bodies;
mod serve;

pub use serve::serve;
