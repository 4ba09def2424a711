//! Signatures, version 4 and 2: who asks, when, and whether the body is what was signed.
//!
//! Deliberately absent: the asymmetric version 4A, session tokens, anonymous access.

mod body;
mod canonical;
mod policy;
mod signed;
mod version2;

pub use body::decode;
pub use policy::verify_form;
pub use signed::{Keys, Payload, http_date, verify};
