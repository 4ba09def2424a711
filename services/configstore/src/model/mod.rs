//! SQL over the read model.

pub mod idempotency;
pub mod linked_account;
pub mod member;
pub mod org;
mod page;
pub mod project;
pub mod project_group;
pub mod remote_source;
mod row;
pub mod secret;
pub mod token;
pub mod tree;
pub mod user;
pub mod variable;

use row::id;
