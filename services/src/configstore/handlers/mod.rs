//! HTTP to types and back, nothing else.

pub mod member;
pub mod org;
mod parse;
pub mod user;
