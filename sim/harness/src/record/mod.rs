//! What happens, in the order in which it happens.

mod ledger;
mod recorder;

pub use ledger::{Entry, Ledger, Mark, Output};
pub use recorder::{Recorder, Seq, Sink};
