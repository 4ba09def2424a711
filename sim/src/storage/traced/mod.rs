//! Storage as an instance asks for it, for the trace of a run: each request with what came of it.
//!
//! Nothing here waits or draws: a run that is traced is the same run.

mod asker;
mod coordination;
mod line;
mod objects;

pub use asker::Asker;
pub use coordination::TracedCoordination;
pub use objects::TracedObjects;
