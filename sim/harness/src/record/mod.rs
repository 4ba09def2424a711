//! What happens, in the order in which it happens.

mod ledger;
mod recorder;
pub mod trace;

pub use ledger::{Entry, Ledger, Mark, Output};
pub use recorder::{Recorder, Seq, Sink};
pub use trace::{About, Cause, Trace, When};
