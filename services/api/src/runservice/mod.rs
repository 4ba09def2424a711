//! The contract of runservice: runs, their tasks and attempts, and executors on the wire, its
//! refusals, its endpoints and clients.

pub mod client;
pub mod endpoints;
pub mod refusals;
pub mod types;
pub mod validate;
