//! Drydock's services: how they are configured, started, called and served.
//!
//! Absent on purpose: anything that only a simulation needs.

pub mod api;
pub mod cli;
pub mod config;
pub mod configstore;
pub mod gateway;
pub mod http;
pub mod runtime;
