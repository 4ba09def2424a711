//! etcd's semantics without etcd, for the reference implementation and the embedded store.
//!
//! | file | holds |
//! |---|---|
//! | `state` | the state machine: keys with their history, transactions, compaction |
//! | `lease` | its leases |
//! | `saved` | its stored form, and restoring it |
//! | `shared` | a lock around it, its published revision, watches |
//!
//! Invariants: the state machine is a function of the calls made to it (time is an argument); an
//! operation that fails has changed nothing; no reader and no watcher sees a revision that is not
//! published yet.
//!
//! Deliberately absent: storage, threads, clocks.

mod lease;
mod saved;
mod shared;
mod state;

pub use lease::{MIN_LEASE_TTL, first_lease_id};
pub use saved::Saved;
pub use shared::Shared;
pub use state::State;
