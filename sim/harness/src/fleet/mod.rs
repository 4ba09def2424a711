//! Many plans, each in a process of its own; what they are read from and what they end with.

mod alone;
pub mod exit;
pub mod output;
mod panics;
mod plan;
mod processes;

pub use alone::alone;
pub use panics::{Panic, Panics};
pub use plan::{Misfit, Plan, PlanError};
pub use processes::{ChildOptions, Job, default_jobs, run_all, run_one};
