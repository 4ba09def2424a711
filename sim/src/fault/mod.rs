//! Faults that mean what they say: their description, which of them are active, what they hit, and
//! the wrappers that carry them out.

mod active;
mod coord;
mod kinds;
mod objects;
mod points;
mod way;
mod what;

pub use active::{Faults, Hits};
pub use coord::{FaultyCoordination, LateTxns};
pub use kinds::KINDS;
pub use objects::{FaultyObjects, Kept};
pub use points::{PassedPoints, PlannedPoints};
pub use way::Way;
pub use what::{Asked, Effect, Fault, PointAct, What};
