//! Storage in memory, behind wrappers that carry out faults.

mod coordination;
mod link;
mod objects;
mod stores;

pub use coordination::{FaultyCoordination, LateTxns};
pub use link::StorageLink;
pub use objects::FaultyObjects;
pub use stores::Stores;
