//! Exit codes of a simulator, all of them.

use std::process::ExitCode;

use super::PlanError;
use crate::report::Verdict;

/// Everything that ran is fine.
pub const FINE: u8 = 0;
/// The simulator itself failed: never a finding about the product.
pub const SIMULATOR: u8 = 1;
/// The command line or a plan cannot be understood.
pub const USAGE: u8 = 2;
/// Nothing was selected to run.
pub const NOTHING: u8 = 4;
/// A property is violated, or a mutant survived.
pub const VIOLATED: u8 = 100;
/// The same plan ran differently twice.
pub const NOT_DETERMINISTIC: u8 = 101;
/// Something did not come to an end after the faults.
pub const STUCK: u8 = 102;
/// All faults of a plan hit nothing.
pub const INERT: u8 = 103;

/// It was interrupted before anything failed.
pub const INTERRUPTED: u8 = 130;

/// The code of a verdict.
pub fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fine => FINE,
        Verdict::Inert => INERT,
        Verdict::Stuck => STUCK,
        Verdict::Violated => VIOLATED,
        Verdict::Broken => SIMULATOR,
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("nothing is selected: {0}")]
    Nothing(String),
    #[error("{0}")]
    Simulator(String),
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Failure {
        Failure::Usage(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Simulator(error.to_string())
    }
}

impl Failure {
    pub fn exit(&self) -> ExitCode {
        match self {
            Failure::Usage(_) => USAGE,
            Failure::Nothing(_) => NOTHING,
            Failure::Simulator(_) => SIMULATOR,
        }
        .into()
    }
}
