//! Tables and properties of the engine.

mod approvals;
mod claims;
mod deadlines;
mod definitions;
mod edges;
mod groups;
pub mod harness;
mod heartbeats;
mod picks;
mod properties;
mod reconciling;
mod restarts;
mod results;
mod retries;
mod statuses;
mod stops;
mod waiting;
