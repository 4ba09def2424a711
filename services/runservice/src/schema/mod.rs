//! Runservice's tables, and the constraints that hold in every state of them.

mod attempts;
mod blobs;
mod runs;
mod types;

pub use types::{
    ATTEMPTS, CACHES, CACHES_SINCE, EXECUTORS, GATES, LINEAGES_SINCE, RUN_COUNTERS,
    RUN_DEFINITIONS, RUN_EVENTS, RUNS, SCHEMA, TASKS,
};
