//! Actions: the calls of a service for a request, and the errors of the service that the caller
//! sees.

pub mod badge;
pub mod cache;
pub mod creator;
pub mod environment;
pub mod event;
pub mod executor;
pub mod group;
pub mod linked_account;
pub mod log;
pub mod member;
pub mod org;
pub mod project;
pub mod project_group;
pub mod remote_source;
pub mod restart;
pub mod run;
pub mod scoped;
pub mod start;
pub mod token;
pub mod user;
