//! What happens, in the order in which it happens.

mod recorder;

pub use recorder::{Recorder, Seq, Sink};
