//! Which faults are active, and what they hit.

mod active;

pub use active::{Faults, Hits};
