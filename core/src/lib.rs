//! The core of Drydock: an ordered log of commits, the state that is derived from it, and the seams
//! that all of it is written against.
//!
//! | module | holds |
//! |---|---|
//! | [`error`] | errors for clients, apart from causes that are only logged |
//! | [`context`] | a request's deadline and cancellation |
//! | [`env`](mod@env) | the first seam: clocks, randomness, ids |
//! | [`net`] | the second: byte streams |
//! | [`coord`] | the third: etcd's semantics as a trait, its reference implementation, its suite |
//! | [`objects`] | the fourth: object storage with retries, envelopes, compression |
//! | [`fault`] | named places where the simulator may interfere |
//! | [`private`] | files and folders that only their owner may use |
//! | [`db`] | SQLite with a context |
//! | [`log`] | commits: format, keys, segments |
//! | [`checkpoint`] | manifests and their data files |
//! | [`read_model`] | the state at one position, in SQLite, and how it is made |
//! | [`lineage`] | first boot, recovery and the other ways in which a lineage begins |
//! | [`store`] | transactions, the feed, reads |
//! | [`inspect`] | surveys and verifies the contents of a store |
//! | [`tasks`] | archiving, checkpoints, trimming, collection |
//! | [`archive`] | export, import, restore |
//! | [`maintenance`] | the barrier, as a pure state machine |
//!
//! Deliberately absent: HTTP routes, gRPC, sockets, any ambient clock or randomness.

pub mod archive;
pub mod checkpoint;
pub mod context;
pub mod coord;
pub mod db;
pub mod env;
pub mod error;
pub mod fault;
pub mod inspect;
pub mod lineage;
pub mod log;
pub mod maintenance;
pub mod net;
pub mod objects;
pub mod private;
pub mod read_model;
pub mod retry;
pub mod store;
pub mod tasks;

#[cfg(test)]
mod testkit;
