//! Runs one plan in this process, from its hosts to its outcome.

mod facts;
pub mod probes;
mod run_probes;
mod runner;
mod upgrade_probes;

pub use runner::{Options, run};
