//! Surveys and verifies the contents of a store. Nothing here changes anything.
//!
//! All functions work on a [`Store`](crate::store::Store) whose loops do not run, on any
//! coordination and object store, whether a service runs on them or not. A running service changes
//! them meanwhile, so a finding may be out of date; only findings about a stopped service are
//! certain.
//!
//! | module | holds |
//! |---|---|
//! | [`survey`] | positions, lineages, sizes, instances, locks |
//! | [`verify`] | reads and checks all keys and objects |
//! | [`keys`] | the checks of coordination keys |
//! | [`objects`] | the checks of objects |
//! | [`load`] | the checks that load states |
//! | [`blobs`] | the check of the blobs that a state names, such as logs |

mod blobs;
mod encrypted;
mod keys;
mod load;
mod objects;
pub mod survey;
pub mod verify;

pub use blobs::UnnamedBlob;
pub use survey::Survey;
pub use verify::{Checked, Finding, Verdict};

#[cfg(test)]
mod blob_tests;
#[cfg(test)]
mod tests;
