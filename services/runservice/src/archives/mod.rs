//! Archives of what steps save: bytes in object storage, which the end of an attempt names.
//!
//! | module | holds |
//! |---|---|
//! | `objects` | the objects of attempts, by the names that attempts give them; uploads |
//! | `tend` | deletes what nobody needs, and finds out what is not there |
//!
//! An object is `<cluster>/runservice/archives/<attempt>/<step>-<nonce>.tar.zst`. A nonce is drawn
//! for each upload, so no name is used twice and nothing is overwritten.
//!
//! Invariants: an archive is named only by the commit that ends its attempt, and only if it is
//! stored by then. A final attempt names nothing new, so whatever else was uploaded for it is
//! garbage: no clock is needed to know. Objects are deleted only after the commit that takes their
//! names away.

mod objects;
pub mod tend;

pub use objects::Archives;
