//! From a listener's streams to requests, and what is done to a connection on the way.

mod connection_limit;
pub(crate) mod drain_body;
mod parse_error_bodies;
mod serve;
mod write_timeout;

pub use serve::serve;
