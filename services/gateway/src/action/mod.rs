//! What is asked of a service, and which of its refusals are the caller's to know.

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
