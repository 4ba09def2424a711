//! The simulated world: hosts, network and time.

mod ambient;
mod clock;
mod cluster;
mod hosts;
mod links;
mod net;
mod stream;

pub use clock::SimClock;
pub use cluster::{Backstage, Cluster, Stop};
pub use hosts::host_elapsed;
pub use net::SimNet;

#[cfg(test)]
mod tests;
