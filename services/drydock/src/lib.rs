//! The binary `drydock`: its command line, its configuration, and the services that it starts.
//!
//! Absent on purpose: code that only a simulation needs.

pub mod cli;
pub mod config;
