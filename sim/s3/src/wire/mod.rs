//! Documents, digests and answers as they are on the wire.

pub mod digest;
pub mod reply;
pub mod xml;
