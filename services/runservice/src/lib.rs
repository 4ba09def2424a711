//! Runservice: runs, their tasks and attempts, and the executors that run them.
//!
//! | module | holds |
//! |---|---|
//! | [`engine`] | pure decisions over plain values: what follows from a state |
//! | [`record`] | objects as they are stored |

pub mod engine;
pub mod record;
