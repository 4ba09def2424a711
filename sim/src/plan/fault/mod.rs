//! What may go wrong, as data of a plan.

mod kind;
mod kinds;

pub use kind::{Asked, Effect, Fault, FaultKind, PointAct};
pub use kinds::KINDS;
