//! HTTP to types and back, nothing else. The permit comes first among a handler's arguments: nobody
//! is told what is wrong with a request that was not theirs to make.

pub mod archive;
pub mod badge;
pub mod cache;
pub mod event;
pub mod executor;
pub mod linked_account;
pub mod log;
pub mod maintenance;
pub mod member;
pub mod org;
mod pass;
pub mod project;
pub mod project_group;
pub mod remote_source;
pub mod run;
pub mod run_archive;
pub mod scoped;
pub mod token;
pub mod user;
