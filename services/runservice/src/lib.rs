//! Runservice: runs, their tasks and attempts, and the executors that run them.
//!
//! | module | holds |
//! |---|---|
//! | [`engine`] | pure decisions over plain values: what follows from a state |
//! | [`action`] | decisions inside a transaction: load, ask the engine, store |
//! | [`model`] | queries of the read model, in SQL |
//! | [`record`] | objects as they are stored |
//! | [`schema`] | their tables, and the constraints that hold in every state |

pub mod action;
pub mod engine;
pub mod model;
pub mod record;
pub mod schema;
mod settings;

pub use schema::SCHEMA;
pub use settings::Settings;

#[cfg(test)]
mod tests;
