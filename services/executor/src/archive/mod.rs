//! Packing and unpacking, in a process of its own that runs as the steps do: with the rights of
//! their user it reads nothing that they could not read, and writes nothing that they could not
//! write. Its working folder is that of the steps.
//!
//! An archive is a tar file, compressed with zstd: sorted, without owners, with the permissions and
//! times of files. It holds files, folders and links that lead to a place inside.
//!
//! Invariants: the whole is never in memory. What is unpacked is not trusted, whoever packed it: no
//! entry leaves the folder, no link is followed, and files, bytes and memory are bounded.

mod budget;
mod cache;
mod error;
mod helper;
mod links;
mod pack;
#[cfg(test)]
mod tests;
mod unpack;

pub use budget::{MAX_ENTRIES, MAX_UNPACKED_BYTES};
pub use cache::{RestoreRequest, SaveRequest, restore_cache, save_cache};
pub use error::ArchiveError;
pub use helper::{pack, unpack};
