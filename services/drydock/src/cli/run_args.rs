//! The arguments of `drydock run`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum RunAction {
    /// Check a file that defines runs, and print the graphs of its runs; calls no service
    Check {
        /// The file, YAML or JSON; `-` is stdin
        file: PathBuf,
    },
}
