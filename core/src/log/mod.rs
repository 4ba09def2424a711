//! The ordered log of commits: the truth of a store.
//!
//! Invariants: positions are gapless and position order is commit order; every commit names its
//! predecessor; a commit succeeds only if `head` and `mode` are what its writer saw; `head` and the
//! commit's key change in one transaction. An import's switch to a new lineage is itself the commit
//! at the next position, so positions never go backwards.
//!
//! | module | holds |
//! |---|---|
//! | [`keys`] | names of coordination keys and objects |
//! | [`format`](mod@format) | what stands in them |
//! | [`commit`] | one commit, until its outcome is known |
//! | [`segment`] | archived commits |
//!
//! Deliberately absent: what moves the log along (`tasks`), and what reads it (`store`).

pub mod commit;
pub mod format;
pub mod keys;
pub mod segment;
