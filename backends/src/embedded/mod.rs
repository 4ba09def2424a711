//! Coordination in one process, durable in one file: etcd's semantics without etcd.
//!
//! | file | holds |
//! |---|---|
//! | `store` | [`Embedded`]: opening it, and the trait |
//! | `engine` | a batch of requests becomes one write to disk |
//! | `writer` | where batches run: on a thread of their own, or inline |
//! | `disk` | the tables, in redb |
//!
//! The state machine is the one of the reference implementation
//! ([`mvcc`](drydock_core::coord::mvcc)), whole in memory; the file is its journal and its way back
//! after a restart.
//!
//! Invariants: what is answered is on disk, and nothing is seen before it is; a batch is on disk as
//! a whole or not at all; leases survive a restart and then start anew. After a failed write nobody
//! knows what is on disk: the store refuses everything until it is opened again.
//!
//! Bounded: history older than one to two *generations* is compacted away, see `engine`.
//! Deliberately absent: a second process, replication.

mod disk;
mod engine;
mod store;
mod writer;

pub use store::{Embedded, OpenError};

#[cfg(test)]
mod tests;
