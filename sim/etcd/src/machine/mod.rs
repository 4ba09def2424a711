//! The replicated state machine: keys with their history, leases, alarms.
//!
//! Pure: time comes in as an argument, nothing goes out but answers. Answers carry a header with
//! nothing but the revision; whoever serves them fills in the rest.

mod check;
mod kv;
mod lease;
mod range;
mod saved;
mod span;
mod txn;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use kv::{Machine, event, is_delete};
pub use lease::{Lease, MAX_LEASE_TTL};
pub use saved::{RestoreError, Saved};
pub use span::Span;

pub use check::{Limits, check_delete, check_put, check_range, check_txn};
