//! Decisions, each inside one transaction. They may run several times: nothing but the transaction
//! changes.

pub mod delegation;
pub mod environment;
pub mod linked_account;
pub mod member;
pub mod once;
pub mod org;
pub mod place;
pub mod project;
pub mod project_group;
pub mod remote_source;
pub mod secret;
mod subtree;
pub mod token;
pub mod user;
pub mod variable;
