//! The conformance suite of [`Coordination`](super::Coordination): cases that each backend's tests
//! run.
//!
//! A backend implements [`Subject`] and calls
//! [`coordination_conformance!`](crate::coordination_conformance) for one test per case, or
//! [`run_all`] for one test of all. A case writes only below the subject's prefix and computes
//! revisions from the store's answers, so it also runs against a store that is not new; but no
//! other client may write or compact meanwhile.
//!
//! Absent on purpose: durability, failures and consistency under faults, which need a backend's own
//! tests or the simulator.

pub mod compaction;
pub mod errors;
pub mod kv;
pub mod lease;
mod subject;
pub mod txn;
pub mod watch;

pub use subject::{Subject, run_all};
