//! The read model: the state at one position of the log, in SQLite, and how it is made.
//!
//! Invariants: a read model is made from the newest checkpoint, the segments after it and the log,
//! every link checked; it is complete before anything reads from it. It is derived state: losing it
//! loses nothing.
//!
//! | module | holds |
//! |---|---|
//! | [`base`] | the seams, names and schema that everything here and above works with |
//! | [`schema`] | types of objects and their tables |
//! | [`version`] | versions of the schema, and the steps between them |
//! | [`floors`] | what counters gave out in earlier lineages |
//! | [`history`] | the commits after a known one, wherever they are |
//! | [`load`] | a read model from a checkpoint and the commits after it |
//! | [`write`](mod@write) | a read model as data files |
//! | [`progress`], [`stats`] | how far a load is; counters |
//! | [`error`] | the errors of a store, and their mapping for clients |
//!
//! Deliberately absent: following the log (`store`), and every change to it.

pub(crate) mod base;
pub mod encrypted;
pub mod error;
pub mod floors;
pub(crate) mod history;
pub(crate) mod load;
pub mod progress;
pub mod schema;
pub mod stats;
pub mod version;
pub(crate) mod write;

pub use encrypted::{KeyCheck, KeyProblem, Unchecked};
pub use error::StoreError;
pub use progress::Progress;
pub use schema::{
    Blob, BlobDigest, Blobs, Fate, Leftovers, ObjectRef, ObjectType, OtherLineages, Schema,
    lineage, not_encrypted, parses,
};
pub use stats::Stats;
pub use version::{SchemaStep, TypeStep, VersionError};
