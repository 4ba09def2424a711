//! One service's store: transactions, the feed, reads.
//!
//! Invariants: a transaction is answered only when its commit's outcome is known and this
//! instance's read model has reached it; a read is answered from a read model at least as new as
//! `head` was when the read began; the read model is exactly the log up to its position, never a
//! mixture.
//!
//! | module | holds |
//! |---|---|
//! | [`schema`] | types of objects and their tables |
//! | [`transact`] | what a closure may do, and how it is queued |
//! | [`committer`] | batches, conflicts, unknown outcomes |
//! | [`durable`] | when a commit may be acknowledged |
//! | [`feed`] | commits from the coordination store, in order |
//! | [`apply`] | what a commit does to the read model |
//! | [`load`] | a read model from the beginning |
//! | [`begin`] | a new lineage after a loss |
//! | [`recovery`] | a lost or set-back coordination store, from objects |
//! | [`fork`] | a log that took another course than the one applied here |
//! | [`reads`] | linearizable reads |
//!
//! Absent on purpose: spawning. [`Store::new`] hands out the loops; the runtime runs them.

mod apply;
mod archived;
mod begin;
mod committer;
mod durable;
mod error;
mod feed;
mod fork;
mod history;
mod live;
mod load;
mod parts;
mod progress;
mod reads;
pub(crate) mod recovery;
pub mod schema;
mod state;
mod transact;
pub(crate) mod write;

pub use error::{BootstrapError, StoreError};
pub use live::Overview;
pub(crate) use load::rehearse;
pub(crate) use parts::Inner;
pub use parts::{Durability, Loops, Store, StoreParts, StoreSettings, TaskSettings};
pub use progress::Progress;
pub(crate) use reads::Reached;
pub use reads::Reads;
pub use schema::{ObjectType, Schema};
pub use state::{Applied, Phase, Stats};
pub use transact::StoreTx;

#[cfg(test)]
mod tests;
