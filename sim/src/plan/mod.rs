//! A plan: everything that one simulation depends on, as data.
//!
//! Invariants: a run is a function of its plan and of the binary, of nothing else; a plan replays
//! without the scenario that made it. Times are simulated milliseconds from the start.
//!
//! Absent on purpose: how a plan comes about (`scenario`), and what a fault does (`fault`).

mod check;
pub mod fault;
mod file;
pub mod hosts;
pub mod identity;
mod instance;
mod lower;
mod operator;
mod ops;
mod reduce;
mod runs;
mod service;
mod topology;

pub use file::{FORMAT, Fidelity, Forwarding, MAX_MS, Plan, Settings, Workload};
pub use instance::InstanceId;
pub use operator::{Damage, OperatorOp, Step, Upgrade};
pub use ops::{GatewayOp, OpKind};
pub use runs::{ExecutorPlan, RunSettings, Runs, RunsOp, Shape};
pub use service::Service;
pub use topology::Topology;
