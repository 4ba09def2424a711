//! What came of runs, one by one and together, for people and for machines.
//!
//! | module | holds |
//! |---|---|
//! | `outcome`, `checks` | what one run has to say |
//! | `failure` | the story of a run that failed |
//! | `tally` | the sum of many runs, and its table |
//! | [`json`], [`junit`], [`github`] | the same for programs, test reports and pages of a CI system |

mod checks;
mod failure;
pub mod github;
pub mod json;
pub mod junit;
mod outcome;
mod tally;
#[cfg(test)]
mod tests;

pub use checks::{Checks, Violation};
pub use failure::{Commands, Detail, failure, headline, short};
pub use outcome::{Outcome, Verdict};
pub use tally::{FailedRun, Summary, Tally};
