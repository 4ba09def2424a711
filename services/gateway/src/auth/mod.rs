//! Who calls, and what that allows.
//!
//! | module | holds |
//! |---|---|
//! | [`caller`] | from a token to whom it belongs |
//! | [`relation`] | what somebody is to an object's owner |
//! | [`permit`] | the proof that a request may go on, and its way to the services behind |

pub mod caller;
pub mod permit;
pub mod relation;

pub use caller::Caller;
pub use permit::Permit;
