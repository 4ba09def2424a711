//! Storage of one process on a simulated disk.

mod disk;
mod files;
mod pair;

pub use pair::EmbeddedPair;
