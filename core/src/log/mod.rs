//! The ordered log of commits, from which the state of a store follows.
//!
//! Invariants: positions are gapless and position order is commit order; every commit names its
//! predecessor; a commit succeeds only if `head` and `mode` are as its writer saw them; `head` and
//! the commit's key change in one transaction. An import's switch to a new lineage is itself the
//! commit at the next position, so positions never go backwards.
//!
//! | module | holds |
//! |---|---|
//! | [`keys`] | names of coordination keys and objects |
//! | [`format`](mod@format) | the values of coordination keys, and commits |
//! | [`commit`] | one commit, until its outcome is known |
//! | [`segment`] | archived commits |
//!
//! Deliberately absent: archiving and trimming the log (`tasks`), and reading it (`store`).

pub mod commit;
pub mod format;
pub mod keys;
pub mod segment;
