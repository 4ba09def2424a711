//! Faults as acts on a world of hosts, which of them are active, and what they hit.

mod act;
mod active;

pub use act::{Act, PointAct, Scheduled};
pub use active::{Faults, Hits};
