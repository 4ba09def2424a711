//! Queries of the read model, in SQL.

pub mod attempt;
pub mod cache;
pub mod event;
pub mod executor;
pub mod run;
pub mod task;
