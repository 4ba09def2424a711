//! Queries of the read model, in SQL.

pub mod linked_account;
pub mod member;
pub mod org;
mod page;
pub mod project;
pub mod project_group;
pub mod remote_source;
pub mod scoped;
pub mod secret;
pub mod token;
pub mod tree;
pub mod user;
