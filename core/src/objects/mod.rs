//! Object storage: calls with retries, the envelope of JSON objects, and compression.
//!
//! | module | holds |
//! |---|---|
//! | [`client`] | [`Objects`], one instance's access to its bucket |
//! | [`envelope`] | kind, format version and checksum around a JSON object |
//! | [`upload`] | an object that is written as its bytes arrive |
//! | `compression` | zstd with a bound on the decompressed size |
//!
//! Deliberately absent: the names of objects (`log::keys`) and their contents.

pub mod client;
pub(crate) mod compression;
pub mod envelope;
pub mod upload;

pub use client::{ObjectError, Objects};
pub use envelope::{Envelope, EnvelopeError};
pub use upload::Upload;
