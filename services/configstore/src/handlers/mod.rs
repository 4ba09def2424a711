//! HTTP to types and back, nothing else.

mod creation;
pub mod environment;
pub mod linked_account;
pub mod member;
pub mod org;
pub mod project;
pub mod project_group;
pub mod remote_source;
pub mod secret;
pub mod token;
pub mod user;
pub mod variable;
mod writer;
