//! `drydock run`: files that define runs, and runs through a gateway.

pub mod check;
