//! The product on simulated hosts: its processes, what they share, and what they log.

mod context;
mod gateway;
mod instance;
mod log;
mod points;
mod upgraded;

pub use context::RunContext;
pub use gateway::Gateway;
pub use instance::Instance;
pub use log::Log;
pub use points::{PassedPoints, PlannedPoints};
