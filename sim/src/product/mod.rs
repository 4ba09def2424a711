//! The product on simulated hosts: its processes, what they share, and what they log.

mod context;
mod gateway;
mod instance;
mod log;
mod points;
mod requests;
mod upgraded;

pub use context::RunContext;
pub use gateway::Gateway;
pub use instance::Instance;
pub use log::{Listener, Log};
pub use points::{PassedPoints, PlannedPoints};
pub use requests::Told;
