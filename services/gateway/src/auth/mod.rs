//! Authentication of callers, and the rights that their requests require.
//!
//! | module | holds |
//! |---|---|
//! | [`require`] | the requirements of routes, as types that the compiler compares |
//! | [`caller`] | the token of a request, and its user |
//! | [`inquiry`] | reads of the services behind |
//! | [`permit`] | the proof that a caller may make a change, and the calls for it |
//! | [`runs`] | the runs of the path's project, for a caller with the row's right |
//! | [`following`] | answers that end when the right to read is withdrawn |

pub mod caller;
pub mod following;
pub mod inquiry;
pub mod permit;
pub mod require;
pub mod runs;

pub use inquiry::{Inquiry, Look};
pub use permit::Permit;
pub use runs::ProjectRuns;
