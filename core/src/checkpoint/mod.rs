//! Checkpoints: a manifest that names sorted, compressed, content-addressed data files.
//!
//! Invariants: objects are in the order of the schema's types, then of ids; a data file is named by
//! the hash of its bytes and verified when read; a manifest is complete before anything names it.
//! Memory is bounded by one data file and does not grow with the state.
//!
//! | module | holds |
//! |---|---|
//! | [`manifest`] | the list of data files that make up one state |
//! | [`datafile`] | the format of a data file |
//! | [`read`] | data files and large commits, verified |
//! | [`writer`] | a state as data files |
//!
//! Deliberately absent: when a checkpoint is made (`tasks`), and loading one (`read_model`).

pub mod datafile;
pub mod manifest;
pub mod read;
pub mod writer;

pub use manifest::{DataFile, Manifest, SortKey};
pub use read::{CheckpointError, read_file, read_mutations};
pub use writer::DataWriter;
