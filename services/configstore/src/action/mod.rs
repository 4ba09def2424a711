//! Actions: decisions, each inside one transaction. An action may run several times, so it changes
//! nothing but the transaction.

pub mod delegation;
pub mod environment;
pub mod linked_account;
pub mod member;
pub mod org;
pub mod project;
pub mod project_group;
pub mod remote_source;
pub mod scoped;
pub mod secret;
mod subtree;
pub mod token;
pub mod user;
