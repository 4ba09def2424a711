//! Background tasks: each one bounded pass, a period, a leased lock, and a fence.
//!
//! | task | does | publishes |
//! |---|---|---|
//! | [`archive`] | commits → segments | `archived`, forwards only |
//! | [`checkpoint`] | read model → data files and a manifest | `checkpoint`, forwards only |
//! | [`trim`] | drops archived commits from the coordination store | nothing; deletes below
//! `archived` |
//! | [`compact`] | drops history of the coordination store that no instance needs | nothing |
//! | [`collect`] | deletes objects that nothing can refer to any more | nothing |
//! | [`purge`] | deletes what is left of deleted subtrees and owners | ordinary commits |
//! | [`sweep`] | collection at once, when an operator asks | a new generation of the mode |
//!
//! Invariants: a lock is a hint, safety comes from the fence in each publishing transaction; a pass
//! that has begun is awaited, on a mode switch as on shutdown; the next pass can repair every state
//! that a failed pass leaves.

pub mod archive;
pub mod checkpoint;
pub mod collect;
pub mod compact;
pub mod purge;
mod runner;
pub mod sweep;
pub mod trim;

pub use runner::run;
pub use sweep::SweepError;

#[cfg(test)]
mod history;
#[cfg(test)]
mod losses;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upgrades;
