//! Export and import: a service's whole state as a stream of lines.
//!
//! Invariants: an export is one consistent state, complete if and only if it ends with a trailer;
//! equal states give equal object lines and equal digests. An import is validated in full while it
//! is staged; one transaction switches to its lineage; before that nothing has changed, after it
//! the state is the import and nothing else. The replaced state is kept, and a restore can go back
//! to it. Memory does not grow with the data.
//!
//! Absent on purpose: compression and HTTP, which belong to the transport.

pub mod export;
pub mod format;
pub mod import;
mod lines;
pub mod refusals;
pub mod restore;
mod stage;
mod switch;

pub use export::ExportStream;
pub use import::{ImportError, ImportReport, Intent};
pub use restore::{RestoreError, RestoreReport};

#[cfg(test)]
mod histories;
#[cfg(test)]
mod restore_tests;
#[cfg(test)]
mod tests;
