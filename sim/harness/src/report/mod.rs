//! What came of runs, one by one and together.

mod checks;
mod outcome;
mod tally;

pub use checks::{Checks, Violation};
pub use outcome::{Outcome, Verdict};
pub use tally::{Tally, failure};
