//! What both sides of a request know.

pub mod creation;
pub mod object;
pub mod openapi;
pub mod operation;
pub mod page;
