//! Blobs: what the service keeps in object storage beside its log. `logs`, `archives` and `caches`
//! store, read and delete them.
//!
//! | module | holds |
//! |---|---|
//! | `names` | the names that they have in common with what a check of the store looks for |
//! | `garbage` | which blobs nobody can need |
//! | `sealed` | a complete log, as one object of which any range can be read |

pub mod garbage;
pub mod names;
pub mod sealed;
