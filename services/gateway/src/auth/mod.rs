//! Authentication of callers, and the rights that their requests require.
//!
//! | module | holds |
//! |---|---|
//! | [`require`] | the requirements of routes, as types that the compiler compares |
//! | [`caller`] | the token of a request, and its user |
//! | [`inquiry`] | reads of the services behind |
//! | [`permit`] | the proof that a caller may make a change, and the calls for it |

pub mod caller;
pub mod inquiry;
pub mod permit;
pub mod require;

pub use inquiry::{Inquiry, Look};
pub use permit::Permit;
