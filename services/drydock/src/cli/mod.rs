//! The command line of `drydock`.
//!
//! Results go to stdout, everything else to stderr. A failure is one line that begins with
//! `error:`; its exit code is in [`exit`].

mod address;
mod args;
mod backup;
mod calls;
mod check;
mod config_args;
mod confirm;
mod connect;
mod doctor;
mod examine;
mod executor;
mod executor_args;
pub mod exit;
mod export;
mod import;
mod lineages;
mod logging;
mod maintenance;
mod objects;
mod output;
mod recover;
mod repeats;
mod run;
mod run_args;
mod runs;
mod serve;
mod server_args;
mod signals;
mod store;

pub use run::main;
