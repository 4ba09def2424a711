//! Who calls, and what that allows.
//!
//! | module | holds |
//! |---|---|
//! | [`require`] | what a route requires, as types that the compiler compares |
//! | [`caller`] | the token of a request, and whose it is |
//! | [`inquiry`] | the way of a question to the services behind |
//! | [`permit`] | the proof that a change may be asked for, and its way to the services behind |

pub mod caller;
pub mod inquiry;
pub mod permit;
pub mod require;

pub use inquiry::{Inquiry, Look};
pub use permit::Permit;
