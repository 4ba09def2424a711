//! Storage of one process on a simulated disk.

mod files;
mod pair;
mod redb_disk;

pub use pair::EmbeddedPair;
