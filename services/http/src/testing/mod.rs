//! For tests: a network in memory, requests as texts, and any service served.

pub mod duplex;
pub mod harness;
pub mod wire;
