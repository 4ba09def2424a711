//! `drydock executor`: running the executor of this machine, and managing all of them.

pub mod manage;
pub mod run;
