//! Decisions, each inside one transaction. They may run several times: nothing but the transaction
//! changes.

pub mod member;
pub mod org;
pub mod user;
