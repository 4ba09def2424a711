//! Export and import: a service's whole state as a stream of lines.
//!
//! Invariants: an export is one consistent state, complete if and only if it ends with a trailer;
//! equal states give equal object lines and equal digests. An import is validated in full while it
//! is staged under a new lineage; one transaction switches to it; before that nothing has changed,
//! after it the state is the import and nothing else. The state that it replaced stays, and one can
//! go back to it. Memory does not grow with the data.
//!
//! Absent on purpose: compression and HTTP, which are the transport's.

pub mod export;
pub mod format;
pub mod import;
mod lines;
pub mod restore;
mod stage;
mod switch;

pub use export::ExportStream;
pub use import::{ImportError, ImportReport, Intent};
pub use restore::RestoreReport;

#[cfg(test)]
mod histories;
#[cfg(test)]
mod restore_tests;
#[cfg(test)]
mod tests;
