//! The workload and the oracles of the simulator on a deployment, in real time: `run --against`.
//!
//! | module | holds |
//! |---|---|
//! | `deployment` | where it is, from a file |
//! | `load` | what is done to it, as a plan without faults: those are the operator's |
//! | [`etcd_log`] | what etcd went through meanwhile, and between which calls |
//! | `object_copy` | whatever was stored as an object meanwhile |
//! | `drive` | the run |
//! | `evidence` | what was seen, as evidence for the oracles |
//! | `report` | what a person reads |
//!
//! Invariants: the oracles are those of simulations. What they cannot know here is never counted in
//! the product's disfavour, and an oracle that has nothing to go by is reported as not judged.
//!
//! Nobody else may use the deployment meanwhile: a write that no client asked for is a violation.
//! Users, organizations and groups are made, moved and deleted, exports are imported.
//!
//! Absent on purpose: faults. Whoever runs this kills, cuts and restarts what they like.

mod deployment;
mod drive;
pub mod etcd_log;
mod evidence;
mod load;
mod object_copy;
mod report;

pub use deployment::{Deployment, Inside};
pub use drive::{Found, run};
pub use load::plan;
pub use report::show;

#[cfg(test)]
mod tests;
