//! Handlers turn requests into types and types into answers, and do nothing else.

mod behalf;
mod creation;
pub mod environment;
pub mod linked_account;
pub mod member;
pub mod org;
pub mod project;
pub mod project_group;
mod reader;
pub mod remote_source;
pub mod scoped;
pub mod token;
pub mod user;
mod writer;
