//! Configstore's tables, and the constraints that hold in every state of them.

pub(crate) mod deleted;
mod steps;
mod tables;
mod tree;

pub use tables::{
    LINKED_ACCOUNTS, MEMBERS, ORGS, PROJECT_GROUPS, PROJECTS, REMOTE_SOURCES, SCHEMA, SECRETS,
    TOKENS, USERS, VARIABLES,
};
