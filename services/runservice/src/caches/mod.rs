//! Caches of projects: objects that entries name, and what is done with both in the background.
//!
//! | module | holds |
//! |---|---|
//! | `objects` | the objects of entries, by the names that entries give them |
//! | `notes` | what look-ups have found out of entries, until it is committed |
//! | `tend` | commits these notes, and deletes the entries and objects that nobody needs |
//!
//! An object is `<cluster>/runservice/caches/<attempt>/<nonce>.tar.zst`, below the attempt that has
//! uploaded it. A nonce is drawn for each upload, so no name is used twice.
//!
//! Invariants: an entry is committed when its object is whole, and only while its attempt runs. So
//! an object of a final attempt that no entry names is garbage: no clock is needed to know. Objects
//! are deleted only after the commit that takes their names away. An entry whose object is not
//! there, as after an import, is as good as none.

mod notes;
mod objects;
pub mod tend;

pub use objects::Caches;
