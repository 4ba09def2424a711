//! `drydock executor`: running the executor of this machine, and managing all of them.

pub mod args;
pub mod manage;
pub mod run;
