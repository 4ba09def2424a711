//! One service's store: transactions, the feed, reads.
//!
//! Invariants: a transaction is answered only when its commit's outcome is known and this
//! instance's read model has reached it; a read is answered from a read model at least as new as
//! `head` was when the read began; the read model is exactly the log up to its position, never a
//! mixture.
//!
//! | module | holds |
//! |---|---|
//! | [`transact`] | the interface of transactions, and their queue |
//! | [`committer`] | batches, conflicts, unknown outcomes |
//! | [`durable`] | when a commit may be acknowledged |
//! | [`feed`] | commits from the coordination store, in order |
//! | [`apply`] | applying commits to the read model |
//! | [`load`] | loading a read model in the place of the old one |
//! | [`reads`] | linearizable reads |
//! | [`upgrade`] | raising the version of the schema in which the cluster writes |
//! | [`space`] | refusing writes before the coordination store is full |
//!
//! Absent on purpose: spawning. [`Store::new`] hands out the loops; the runtime runs them.

mod apply;
mod archived;
mod committer;
mod durable;
mod feed;
mod load;
mod overview;
mod parts;
mod reads;
mod settings;
mod space;
mod state;
mod transact;
mod upgrade;

pub use overview::Overview;
pub(crate) use parts::Inner;
pub use parts::{Loops, Store, StoreParts};
pub(crate) use reads::Reached;
pub use reads::Reads;
pub use settings::{Durability, StoreSettings, TaskSettings};
pub(crate) use space::{Shortage, model_full};
pub use state::{Applied, Phase};
pub use transact::StoreTx;

#[cfg(test)]
mod full;
#[cfg(test)]
mod patience;
#[cfg(test)]
mod tests;
