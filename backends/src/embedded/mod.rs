//! Coordination in one process, durable in one file: etcd's semantics without etcd.
//!
//! | file | holds |
//! |---|---|
//! | `store` | [`Embedded`]: opening it, and the trait |
//! | `engine` | applies a batch of requests and writes it to disk as one |
//! | `writer` | runs batches on a thread of its own, or inline |
//! | `disk` | the tables, in redb |
//! | `place` | where they are, and how much room there is |
//!
//! The state machine is the one of the reference implementation
//! ([`mvcc`](drydock_core::coord::mvcc)), whole in memory; the file is its journal, from which it
//! is restored after a restart.
//!
//! Invariants: a change is on disk before it is answered or visible; a batch is on disk as a whole
//! or not at all; leases survive a restart and then start anew. After a failed write the contents
//! of the disk are unknown: the tables are opened again and the state is read from them, and until
//! that succeeds all requests are refused. With little room left on the disk changes are refused
//! before they are made.
//!
//! Bounded: history older than one to two *generations* is compacted away, see `engine`.
//! Deliberately absent: a second process, replication.

mod disk;
mod engine;
mod place;
mod store;
mod writer;

pub use store::{Embedded, OpenError};

#[cfg(test)]
mod tests;
