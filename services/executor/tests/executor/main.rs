//! Real processes: steps that misbehave, and supervisors that die.
//!
//! Nothing waits for a time: steps report on a named pipe, and ends of processes are waited for.

mod archives;
mod caches;
mod drivers;
mod escapes;
mod harness;
mod limits;
mod masking;
mod steps;
mod stops;
mod supervisors;
