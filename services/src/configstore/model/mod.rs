//! SQL over the read model.

pub mod member;
pub mod org;
mod page;
pub mod user;
