//! Helpers of tests: a network in memory, requests as texts, and a server for any routes.

pub mod duplex;
pub mod harness;
pub mod wire;
