//! What a store holds, and whether all of it is sound. Nothing here changes anything.
//!
//! Everything works on a [`Store`](crate::store::Store) whose loops do not run: on any coordination
//! and object store, whether a service runs on them or not. A running one moves on meanwhile, so
//! what is found then may be a moment's picture; only a stopped one is certain.
//!
//! | module | holds |
//! |---|---|
//! | [`survey`] | positions, lineages, sizes, instances, locks |
//! | [`verify`] | reads and checks everything |
//! | [`keys`] | … of the coordination store |
//! | [`objects`] | … of object storage |
//! | [`load`] | … by loading every state that could be needed |

mod keys;
mod load;
mod objects;
pub mod survey;
pub mod verify;

pub use survey::Survey;
pub use verify::{Checked, Finding, Verdict};

#[cfg(test)]
mod tests;
