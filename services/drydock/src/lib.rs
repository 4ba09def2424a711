//! The binary `drydock`: its command line, its configuration, and which services it starts.
//!
//! Absent on purpose: anything that only a simulation needs.

pub mod cli;
pub mod config;
