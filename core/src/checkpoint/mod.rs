//! Checkpoints: a manifest that names sorted, compressed, content-addressed data files.
//!
//! Invariants: objects are in the order of the schema's types, then of ids; a data file is named by
//! the hash of its bytes and verified when read; a manifest is complete before anything names it.
//! Memory stays bounded by one data file, whatever the size of the state.
//!
//! | module | holds |
//! |---|---|
//! | [`manifest`] | the list of data files that make up one state |
//! | [`datafile`] | what a data file looks like inside |
//! | [`read`] | data files and large commits, verified |
//! | [`writer`] | a state as data files |
//!
//! Deliberately absent: when a checkpoint is made (`tasks`), and what is loaded from one
//! (`store`).

pub mod datafile;
pub mod manifest;
pub mod read;
pub mod writer;

pub use manifest::{DataFile, Manifest, Place};
pub use read::{CheckpointError, read_actions, read_file};
pub use writer::DataWriter;
