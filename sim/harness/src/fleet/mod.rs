//! Many plans, each in a process of its own; what they are read from, what they end with, and how a
//! failing one is made smaller.

mod alone;
pub mod exit;
pub mod output;
mod panics;
mod plan;
mod processes;
mod shrink;

pub use alone::alone;
pub use panics::{Panic, Panics};
pub use plan::{Misfit, Plan, PlanError};
pub use processes::{ChildOptions, Job, default_jobs, run_all, run_one};
pub use shrink::{FailureKind, Reduce, Trial, shrink};
