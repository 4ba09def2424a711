//! The rules of the house, as far as rustc, clippy and rustfmt do not know them.
//!
//! Every list of exceptions may only shrink: an entry that is no exception any more fails.

mod circles;
mod docs;
mod features;
mod layers;
mod modules;
mod mutants;
mod sizes;
mod tracked;
mod words;
