//! What the programs `fake-etcd` and `fake-s3` have in common: faults that come from outside.
//!
//! | module | holds |
//! |---|---|
//! | [`rules`] | which requests a fault strikes, drawn from a seed |
//! | [`server`] | the control port: JSON over HTTP, read strictly |
//! | [`client`] | the same port from the command line |
//! | [`log`] | one JSON line for each request |
//! | [`process`] | listening, signals, files |
//!
//! The package knows neither server: each brings its own faults and actions.

pub mod client;
pub mod log;
pub mod process;
pub mod rules;
pub mod server;

#[cfg(test)]
mod tests;

pub use client::ClientArgs;
pub use log::RequestLog;
pub use process::{Error, Result, Signals};
pub use rules::{Asked, Fault, Rule, Rules, Strike};
pub use server::{ControlArgs, Controlled, fields};
