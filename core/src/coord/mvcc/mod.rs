//! etcd's semantics without etcd: what the reference implementation and the embedded store share.
//!
//! | file | holds |
//! |---|---|
//! | `state` | the state machine: keys with their history, transactions, compaction |
//! | `lease` | its leases |
//! | `saved` | how it comes back from where it was written down |
//! | `shared` | a lock around it, what of it may be seen, watches |
//!
//! Invariants: the state machine is a function of the calls made to it (time is an argument); an
//! operation that fails has changed nothing; what is not yet published is seen by no reader and no
//! watcher.
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
