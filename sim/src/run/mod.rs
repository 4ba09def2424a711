//! Runs one plan in this process, from its hosts to its outcome.

pub mod probes;
mod run_probes;
mod runner;

pub use runner::{Options, run};
