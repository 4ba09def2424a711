//! Actions: the calls of a service for a request, and the errors of the service that the caller
//! sees.

pub mod linked_account;
pub mod member;
pub mod org;
pub mod project;
pub mod project_group;
pub mod remote_source;
pub mod scoped;
pub mod token;
pub mod user;
