//! What clients asked and were told, and whether one order of all calls explains it.

mod calls;
mod search;

pub use calls::{Domain, Ended, History, Operation};
pub use search::{Interval, Model, Verdict, search};

#[cfg(test)]
mod tests;
