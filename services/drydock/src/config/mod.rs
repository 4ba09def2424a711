//! Configuration: flags over environment over one TOML file over defaults.
//!
//! | module | holds |
//! |---|---|
//! | [`types`] | every key, with its default |
//! | [`stores`] | the keys of the coordination store and the objects |
//! | [`tls`] | the keys of TLS between clients, the gateway and the services |
//! | [`runservice`] | the keys of runservice |
//! | [`load`](mod@load) | the four layers, and the origin of each value |
//! | [`environment`] | the variables of the environment |
//! | `file` | the file's keys with their lines |
//! | `validate` | checks that no single type can make |
//! | [`tokens`] | tokens that are made at random and kept in the data directory |
//! | [`keys`] | the same for encryption keys |
//!
//! Invariant: every mistake is one error that names its place: file and line, variable, or flag.
//! The variable of the key `http.max_body_bytes` is `DRYDOCK_HTTP_MAX_BODY_BYTES`.

pub mod environment;
pub mod executor;
mod file;
pub mod keys;
pub mod load;
pub mod runservice;
pub mod stores;
pub mod tls;
pub mod tokens;
pub mod types;
mod validate;

pub use environment::Environment;
pub use load::{ConfigError, Loaded, Origin, Sources, load};
pub use types::Config;

#[cfg(test)]
mod tests;
