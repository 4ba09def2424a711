//! Handlers turn requests into types and types into answers, and do nothing else.

mod access;
pub mod archive;
pub mod cache;
mod creation;
pub mod event;
pub mod executor;
pub mod gate;
pub mod log;
pub mod own;
pub mod run;
mod upload;
