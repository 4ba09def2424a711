//! The contract of runservice: runs, their tasks and attempts, and executors on the wire.

pub mod errors;
pub mod types;
